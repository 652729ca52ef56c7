"""The flags of the exporters' mains, made from the table of formats."""

from absl import flags

from keras_crosspool.image_flags import define_image_flags

_DEFINE = {
    bool: flags.DEFINE_bool,
    int: flags.DEFINE_integer,
    str: flags.DEFINE_string,
    tuple: flags.DEFINE_list,
}


def define_common():
    """Defines what every exporter takes: the model, the output and the parity flags."""
    flags.DEFINE_string("model", None, "Model directory that training wrote.", required=True)
    flags.DEFINE_string(
        "parity_data",
        "",
        "Folder of images (split/class/*.jpg) or tfds:NAME on which the artefact must agree with "
        "the Keras model; by default the data that the model was trained on.",
    )
    flags.DEFINE_string(
        "parity_split", "", "Split of it; by default the validation split, or else training."
    )
    flags.DEFINE_integer(
        "parity_images", 64, "Number of images, drawn evenly over the classes.", lower_bound=8
    )
    flags.DEFINE_enum(
        "parity",
        "on",
        ["on", "off"],
        "off writes the artefact unproven, and its record says so.",
    )
    define_image_flags(__name__)


def image_options():
    """How the flags say that images are read: arguments of `open_split`, a dict."""
    names = ("skip_broken", "max_megapixels")
    return {name: flags.FLAGS[name].value for name in names}


def define_format(row):
    """Defines the flags of one format: output, precision and its own options.

    Args:
        row: `Format`.
    """
    flags.DEFINE_string("output", None, f"File to write, *{row.suffix}.", required=True)
    flags.DEFINE_enum("precision", row.precisions[0], row.precisions, "Precision of the file.")
    define_options(row.options)


def define_options(options):
    """Defines a flag for each option.

    Args:
        options: iterable of `Option`.
    """
    for option in options:
        _DEFINE[type(option.default)](option.name, option.default, option.help)


def chosen_options(row, precision):
    """Values of the options that apply to a precision.

    Args:
        row: `Format`.
        precision: str.

    Returns:
        dict, name to value: keyword arguments of the exporter.

    Raises:
        ValueError: if the precision is unknown, or an option was given that does not apply to it.
    """
    given = [option.name for option in row.options if flags.FLAGS[option.name].present]
    row.check(precision, given)
    return {option.name: flags.FLAGS[option.name].value for option in row.options_of(precision)}
