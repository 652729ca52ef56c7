"""Fits heads on labelled images in closed form: what `solve` and a training run share."""

import contextlib
import dataclasses

from keras_crosspool.closed_form.fit import adapt_head, compute_descriptors, solve_models
from keras_crosspool.closed_form.options import SolverOptions
from keras_crosspool.closed_form.region_branch import (
    fit_regions,
    has_region_grid,
)
from keras_crosspool.closed_form.region_grids import load_region_grids
from keras_crosspool.closed_form.views import Views
from keras_crosspool.config.guidance_config import GuidanceConfig
from keras_crosspool.config.solver_config import SolverConfig
from keras_crosspool.distribution import ONE_DEVICE, Distribution
from keras_crosspool.files import scratch_directory


@dataclasses.dataclass(frozen=True)
class HeadSolver:
    """Fits the heads of classifiers on one set of labelled images.

    Attributes:
        images: `Split` or `ArrayImages`.
        solver: `SolverConfig`.
        guidance: `GuidanceConfig`; its batch size and cache folder are those of the whole fit.
        distribution: `Distribution`. Defaults to one device.
    """

    images: object
    solver: SolverConfig
    guidance: GuidanceConfig
    distribution: Distribution = ONE_DEVICE

    def adapt(self, model, judged=True):
        """Fits the projections and the guidance of a model.

        Args:
            model: `CrossPoolClassifier`.
            judged: bool, whether cross-validation is to follow. Without it the network is one that
                was tuned, whose grids serve but once: none are cached. Defaults to `True`.

        Returns:
            dict, name of each branch on a region grid to its `Branch`; `solve` takes it.
        """
        batch_size = self.guidance.batch_size
        adapt_head(model, self.images, model.image_size, batch_size, self.distribution)
        if not has_region_grid(model):
            return {}
        cross_fit = judged and self.solver.method != "none"
        with self._grids_folder(judged) as folder:
            grids = self._grids(model, folder)
            return fit_regions(model, grids, self.images, self.guidance, cross_fit)

    def solve(self, models, regions, kept=None):
        """Solves the last layers of models that share their input, from one pass over the images.

        Args:
            models: list of `CrossPoolClassifier`.
            regions: dict, from `adapt`.
            kept: list of `Choice`, as for `solve_models`. Defaults to none.

        Returns:
            list of what `solve_models` gives for each, and the `Descriptors` behind them.
        """
        solver = self.solver
        descriptors = compute_descriptors(
            models,
            self.images,
            models[0].image_size,
            self.guidance.batch_size,
            Views(tuple(solver.crop_scales), solver.mirror),
            regions,
            SolverOptions.of(solver),
            self.distribution,
        )
        solved = solve_models(models, descriptors, solver.method, solver.reject_rate, kept)
        return solved, descriptors

    def _grids_folder(self, kept):
        return contextlib.nullcontext(self.guidance.cache_dir) if kept else scratch_directory()

    def _grids(self, model, folder):
        batch_size = self.guidance.batch_size
        return load_region_grids(model, self.images, model.image_size, batch_size, folder)
