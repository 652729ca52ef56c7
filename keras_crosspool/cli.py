"""The command `crosspool`: `crosspool VERB ...` does what `python -m` does with the verb's module.

To add a verb, add a row to `VERBS`; help and the closest match of a typing error come from there.
The formats of `crosspool export FORMAT` are those of `keras_crosspool.exporting.formats`.
"""

import ast
import difflib
import importlib.util
import pathlib
import sys
import textwrap
import types

from keras_crosspool.errors import USER_ERROR_EXIT_CODE
from keras_crosspool.exporting import formats
from keras_crosspool.text import printable

_EXPORT = "keras_crosspool.exporting.mains.export"
# The module of each verb, and what is passed to its main before what the user writes.
VERBS = {
    "train": "keras_crosspool.train",
    "update": "keras_crosspool.update",
    "evaluate": "keras_crosspool.evaluate",
    "predict": "keras_crosspool.predict",
    "report": "keras_crosspool.report.__main__",
    "audit": "keras_crosspool.audit.__main__",
    "extract": "keras_crosspool.extract",
    "extract-beam": "keras_crosspool.extract_beam",
    "search": "keras_crosspool.search",
    "demo": "keras_crosspool.demo.__main__",
    "launch": "keras_crosspool.launch",
    "export": f"{_EXPORT}_all",
    **{f"export {row.name}": f"{_EXPORT}_format {row.name}" for row in formats.FORMATS},
    "page": "keras_crosspool.page.__main__",
    "completion": "keras_crosspool.completion",
}
_WIDTH = 80
_HELP = ("help", "-h", "-help", "--help", "--helpshort", "--helpfull")


def main():
    """Runs the command of `sys.argv`."""
    arguments = sys.argv[1:]
    if not arguments or arguments[0] in _HELP:
        print(help_text())
    elif arguments[0] in ("version", "--version"):
        from keras_crosspool import __version__

        print(f"crosspool {__version__}")
    else:
        verb, rest = split_verb(arguments)
        run_verb(verb, rest)


def help_text():
    """The verbs with what each does, a str of lines of at most 80 columns."""
    width = max(map(len, VERBS)) + 4
    rows = [
        textwrap.fill(
            summary(verb),
            _WIDTH,
            initial_indent=f"  {verb:<{width - 2}}",
            subsequent_indent=" " * width,
        )
        for verb in VERBS
    ]
    return "\n".join(
        [
            "usage: crosspool VERB [--FLAG=VALUE ...]",
            "",
            *rows,
            "",
            "crosspool VERB --help: its flags",
        ]
    )


def summary(verb):
    """The first line of a verb's docstring, read without importing it; for a format its own."""
    module, *names = VERBS[verb].split()
    if names:
        return formats.get_format(*names).summary()
    path = pathlib.Path(__file__).parents[1].joinpath(*module.split(".")).with_suffix(".py")
    return ast.get_docstring(ast.parse(path.read_text("utf-8"))).partition("\n")[0]


def split_verb(arguments):
    """The verb that a command line begins with, of one or two words, and what follows it.

    Ends the program with exit code 2 where there is no such verb.

    Args:
        arguments: list of str, at least one.

    Returns:
        `(verb, rest)`, a key of `VERBS` and a list of str.

    Example:

    >>> split_verb(["export", "onnx", "--model=model"])
    ('export onnx', ['--model=model'])
    """
    first = arguments[0].replace("_", "-")
    words = [first]
    if len(arguments) > 1 and _takes_a_second(first) and not arguments[1].startswith("-"):
        words.append(arguments[1])
    verb = " ".join(words)
    if verb not in VERBS:
        _fail(verb)
    return verb, arguments[len(words) :]


def _takes_a_second(word):
    return any(verb.startswith(f"{word} ") for verb in VERBS)


def _fail(received):
    first, _, second = received.partition(" ")
    known = [verb for verb in VERBS if verb.startswith(f"{first} ")] if second else [*VERBS]
    by_word = {verb.split()[-1]: verb for verb in known}
    close = difflib.get_close_matches(second or first, by_word, n=1)
    advice = (
        f"crosspool {first} takes {', '.join(by_word)}."
        if second
        else "crosspool --help lists them."
    )
    if close:
        advice = f"did you mean crosspool {by_word[close[0]]}?"
    print(
        f"error: There is no such command: {advice} Received: {printable(received)}",
        file=sys.stderr,
    )
    sys.exit(USER_ERROR_EXIT_CODE)


def run_verb(verb, arguments):
    """Runs the main of a verb as `python -m` would, but that its usage text names the verb.

    `runpy` would put the file's name into `sys.argv`, from which absl takes that of the program.

    Args:
        verb: str, a key of `VERBS`.
        arguments: list of str, its flags and positional arguments.
    """
    name, *first = VERBS[verb].split()
    spec = importlib.util.find_spec(name)
    module = types.ModuleType("__main__")
    # Processes that multiprocessing starts find their main by its specification.
    module.__spec__, module.__file__ = spec, spec.origin
    sys.modules["__main__"] = module
    sys.argv = [f"crosspool {verb}", *first, *arguments]
    exec(spec.loader.get_code(spec.name), vars(module))


if __name__ == "__main__":
    main()
