"""The main of every format, and what it shares with the one that exports all."""

import pathlib
import sys

from absl import flags, logging

from keras_crosspool.errors import USER_ERROR_EXIT_CODE
from keras_crosspool.exporting import flags as export_flags
from keras_crosspool.exporting import formats
from keras_crosspool.exporting.artefact import check_replaceable
from keras_crosspool.exporting.triton import repository_path
from keras_crosspool.mains import as_flags, run

FLAGS = flags.FLAGS
flags.disclaim_key_flags()  # those that are adopted here are the main's


def take_format(arguments):
    """Takes the name of a format from a command line, where it stands first.

    Ends the program with exit code 2 where there is no such format.

    Args:
        arguments: list of str, such as `sys.argv`; the name is removed.

    Returns:
        `Format`.
    """
    try:
        return formats.get_format(arguments.pop(1) if arguments[1:] else "")
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(USER_ERROR_EXIT_CODE)


def run_export(name):
    """Runs the main of one format: it exports as the flags say, and prints a short summary.

    Exits with code 1 if the artefact is not the Keras model any more, or is slower than float32.

    Args:
        name: str, row of `keras_crosspool.exporting.formats`.
    """
    row = formats.get_format(name)
    export_flags.define_common()
    export_flags.define_format(row)
    run(lambda _: _export(row), needs="backend", flag_module=export_flags.__name__)


def _export(row):
    quieten_logs()
    options = export_flags.chosen_options(row, FLAGS.precision)
    output = _checked_output(row, FLAGS.output)
    row.check_installed()

    from keras_crosspool.exporting.parity import ParityError
    from keras_crosspool.exporting.source import load_source
    from keras_crosspool.exporting.speed import SlowerError

    config = export_flags.parity_config()
    source = load_source(config.model, config.image_options(), config.descriptor)
    comparator = make_comparator(source, config)
    export = formats.resolve(row.exporter)
    try:
        artefact = export(source, output, FLAGS.precision, comparator, **options)
    except (ParityError, SlowerError) as error:
        sys.exit(f"error: {as_flags(str(error))}")
    print(_summary(artefact, output))
    if options.get("triton"):
        print(f"  triton     {repository_path(output)}")


def quieten_logs():
    """Keeps the converters' own logs to warnings, unless --verbosity asks for more."""
    if not FLAGS["verbosity"].present:
        logging.set_verbosity(logging.WARNING)


def _checked_output(row, output):
    """The output's path, refused when its suffix is another format's or it is not ours."""
    output = pathlib.Path(output)
    if output.suffix != row.suffix:
        raise ValueError(f"--output must end in {row.suffix}. Received: {output}")
    check_replaceable(output, row.is_folder)
    return output


def make_comparator(source, config):
    """The comparator that a `ParityConfig` asks for, or `None` when parity is off."""
    if config.parity == "off":
        return None
    from keras_crosspool.exporting.images import read_images
    from keras_crosspool.exporting.parity import Comparator

    images = read_images(
        source.metadata,
        "parity",
        config.parity_data,
        config.parity_split,
        config.parity_images,
        source.image_options,
    )
    return Comparator.of(source, images)


def _summary(artefact, output):
    """A few lines on an artefact: size, operators, parity."""
    operators = ", ".join(f"{name} {count}" for name, count in artefact.operators.items())
    return (
        f"{output}: {artefact.format} {artefact.precision}, {artefact.bytes / 1e6:.2f} MB\n"
        f"  operators  {operators}\n"
        f"  parity     {parity_line(artefact)}\n"
        f"  record     {output}.json"
    )


def parity_line(artefact):
    """The parity of an artefact in one line."""
    parity = artefact.parity
    state = artefact.details.get("engine_state")
    note = f" [engine {state}]" if state else ""
    if parity["status"] == "off":
        return f"off: written unproven{note}"
    float16 = parity["float16_arithmetic"]
    rounded = float16 and (
        f"; with float16 arithmetic largest difference {float16['max_abs_of_range']:.2%}, "
        f"agreement {float16['agreement']:.1%}"
    )
    return (
        f"{parity['status']} on {parity['images']} images of {parity['split']}: cosine "
        f"{parity['cosine']['worst']:.5f} worst, {parity['cosine']['median']:.5f} median; largest "
        f"difference {parity['max_abs_of_range']:.2%} of the range; agreement "
        f"{parity['agreement']:.1%}; {parity['metric'].replace('_', ' ')} {parity['score']:.1%} "
        f"(Keras {parity['reference_score']:.1%}){rounded or ''}{note}"
    )
