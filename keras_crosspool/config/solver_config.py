"""Options of the closed-form solver."""

import dataclasses

from keras_crosspool.config.option import Config, option

SOLVERS = ("ridge", "svm", "none")
SOLVER_FORMS = ("auto", "gram", "primal", "projected")


@dataclasses.dataclass(frozen=True)
class SolverConfig(Config):
    """How a classifier is solved, and on which views of the images."""

    method: str = option(
        "ridge",
        "Closed-form classifier on the descriptors; none leaves it to --epochs.",
        choices=SOLVERS,
        flag="solver",
    )
    form: str = option(
        "auto",
        "gram: on the inner products of all images, exact, for thousands of them; primal: "
        "streamed, on those of the descriptor's values, exact, for short descriptors; projected: "
        "streamed, on a random projection, for millions of images; auto: by cost and memory.",
        choices=SOLVER_FORMS,
        flag="solver_form",
    )
    memory_gb: float | None = option(
        None,
        "Memory that the solver may take, in 10^9 bytes. Default: four fifths of what the machine "
        "has free, or of what a container's limit leaves.",
        flag="solver_memory_gb",
        of_the_run=False,
    )
    crop_scales: tuple[float, ...] = option(
        (1.0, 0.8),
        "Central crops of each training image that the solver sees, as shares of its sides; 1.0 "
        "is the whole image.",
    )
    mirror: bool = option(True, "Let the solver see the mirror image of each crop as well.")
    reject_rate: float = option(
        0.05,
        "Share of images of the classes that may wrongly be said to be none of them; it sets from "
        "when on an image is refused. With fewer than 20 images a single one is a larger share.",
        least=0.0,
        below=1.0,
    )
    keep_descriptors: bool = option(
        False,
        "Keep the descriptors in the model directory, so that update can add images and classes, "
        "or remove some, without the images that are there now.",
    )
    baseline: bool = option(True, "Solve the global-average baseline too and report both.")
