"""Refuses configs that cannot be trained, before anything is computed."""

from absl import logging

from keras_crosspool.backbones.registry import check_image_size
from keras_crosspool.closed_form.compress import FEATURE_CHANNELS, GUIDANCE_CHANNELS
from keras_crosspool.closed_form.options import SolverOptions
from keras_crosspool.config.fine_tuning_config import FineTuningConfig
from keras_crosspool.config.option import options_of
from keras_crosspool.config.run_config import RunConfig
from keras_crosspool.environment import check_keras_settings, check_tensorflow_backend


def check_config(config):
    """Refuses a config whose options do not go together, and warns of those without effect.

    Args:
        config: `TrainingConfig`.

    Raises:
        ValueError: if nothing would train the classifier, or options exclude each other.
    """
    check_keras_settings()
    tuning, solver, network = config.fine_tuning, config.solver, config.network
    if tuning.gradient_accumulation > 1:
        check_tensorflow_backend("Gradient accumulation (`gradient_accumulation`)")
    if solver.method == "none" and not tuning.tunes:
        raise ValueError(
            "Nothing would train the classifier: take a solver, or epochs of fine-tuning. "
            "Received: `solver=none` `epochs=0`"
        )
    if solver.keep_descriptors and (solver.method != "ridge" or config.devices.workers):
        raise ValueError(
            "`keep_descriptors` goes with the ridge solved by one worker. Received: "
            f"`solver={solver.method}`, {len(config.devices.workers) or 1} worker(s)"
        )
    if solver.keep_descriptors and tuning.tunes:
        raise ValueError(
            "`keep_descriptors` keeps what cross-validation can judge, and a tuned network has "
            "seen its images: leave it out, or take no `epochs`. Received: "
            f"`epochs={tuning.epochs}` `frozen_epochs={tuning.frozen_epochs}`"
        )
    _check_solver(config)
    if tuning.profile_steps and not (tuning.tensorboard and len(tuning.profile_steps) == 2):
        raise ValueError(
            "`profile_steps` names the first and the last step, for the folder of `tensorboard`. "
            f"Received: profile_steps={','.join(map(str, tuning.profile_steps))}, "
            f"tensorboard={tuning.tensorboard}"
        )
    if network.compress:
        _check_compression(config)
    if network.pair == "search":
        _check_pair_search(config)
    if solver.method == "none" and network.scheme == "auto":
        raise ValueError(
            "The scheme is chosen by cross-validation of solved classifiers: take a solver, or "
            "name a scheme. Received: `solver=none` `scheme=auto`"
        )
    if tuning.tunes and solver.method != "none" and tuning.tuning_size is not None:
        check_image_size(network.backbone, tuning.tuning_size, "tuning_size")
    _warn_of_idle_options(tuning)


def _warn_of_idle_options(tuning):
    """Names the options of fine-tuning that are set where nothing is fine-tuned."""
    shared = {field.name for field, _ in options_of(RunConfig)}
    own = [field for field, _ in options_of(FineTuningConfig) if field.name not in shared]
    idle = [field.name for field in own if getattr(tuning, field.name) != field.default]
    if idle and not tuning.tunes:
        logging.warning(
            "without `epochs` nothing is fine-tuned, and these options change nothing: %s",
            ", ".join(idle),
        )


def _check_compression(config):
    solver, scheme = config.solver, config.scheme
    if config.network.scheme != "scheme1" or solver.method == "none":
        raise ValueError(
            "`compress` shortens the descriptor of a solved scheme 1: take `scheme=scheme1` and a "
            f"solver. Received: `scheme={config.network.scheme}` `solver={solver.method}`"
        )
    if solver.keep_descriptors:
        raise ValueError(
            "`keep_descriptors` keeps the whole descriptor, and `compress` another: leave one of "
            "them out. Received: both"
        )
    features, guidance = scheme.feature_channels, scheme.guidance_channels
    if features < FEATURE_CHANNELS or guidance < GUIDANCE_CHANNELS:
        raise ValueError(
            f"`compress` keeps {FEATURE_CHANNELS} feature channels and {GUIDANCE_CHANNELS} "
            "guidance channels: give at least as many. Received: "
            f"`feature_channels={features}` `guidance_channels={guidance}`"
        )


def _check_pair_search(config):
    scheme, method = config.network.scheme, config.solver.method
    if scheme not in ("scheme1", "both", "auto") or method == "none":
        raise ValueError(
            "`pair=search` compares solved classifiers of scheme 1: take `scheme=scheme1`, `both` "
            f"or `auto`, and a solver. Received: `scheme={scheme}` `solver={method}`"
        )
    layers = config.scheme.features_layer, config.scheme.guidance_layer
    if any(layers):
        raise ValueError(
            "`pair=search` finds the layers itself: leave out `features_layer` and "
            f"`guidance_layer`. Received: {', '.join(filter(None, layers))}"
        )


def _check_solver(config):
    solver, scheme = config.solver, config.network.scheme
    if solver.method == "none":
        return
    SolverOptions.of(solver)
    guided = scheme in ("scheme2", "both", "auto") and config.scheme.grid_guidance == "trained"
    if guided and solver.form not in ("auto", "gram"):
        raise ValueError(
            "A trained guidance is judged by Gram matrices alone: take `solver_form=gram`, or "
            f"`grid_guidance=selected`. Received: `solver_form={solver.form}` with "
            f"`scheme={scheme}`"
        )
