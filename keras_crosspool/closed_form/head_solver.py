"""Fits heads on labelled images in closed form: what `solve` and a training run share."""

import dataclasses

from keras_crosspool.closed_form.fit import adapt_head, compute_descriptors, solve_models
from keras_crosspool.closed_form.options import SolverOptions
from keras_crosspool.closed_form.region_branch import (
    compute_grid_descriptors,
    fit_regions,
    has_region_grid,
    stays_untuned,
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

    def adapt(self, model):
        """Fits the projections and the guidance of a model.

        Args:
            model: `CrossPoolClassifier`.

        Returns:
            dict, name of each branch on a region grid to its `Branch`; `solve` takes it.
        """
        self._adapt_windows(model)
        if not has_region_grid(model):
            return {}
        cross_fit = self.solver.method != "none"
        grids = self._grids(model, self.guidance.cache_dir)
        return fit_regions(model, grids, self.images, self.guidance, cross_fit)

    def adapt_tuned(self, model):
        """Fits them anew on a network that was tuned since.

        Region grids beside windows stand on a network that was not: they stay as they are.

        Args:
            model: solved `CrossPoolClassifier`.

        Returns:
            As `adapt`.
        """
        self._adapt_windows(model)
        if not has_region_grid(model):
            return {}
        if stays_untuned(model):
            return compute_grid_descriptors(model, self._grids(model, self.guidance.cache_dir))
        with scratch_directory() as folder:  # these grids serve but once
            grids = self._grids(model, folder)
            return fit_regions(model, grids, self.images, self.guidance, cross_fit=False)

    def solve(self, models, regions, kept=None):
        """Solves the last layers of models that share their input, from one pass over the images.

        Args:
            models: list of `CrossPoolClassifier`.
            regions: dict, from `adapt` or `adapt_tuned`.
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

    def _adapt_windows(self, model):
        batch_size = self.guidance.batch_size
        adapt_head(model, self.images, model.image_size, batch_size, self.distribution)

    def _grids(self, model, folder):
        batch_size = self.guidance.batch_size
        return load_region_grids(model, self.images, model.image_size, batch_size, folder)
