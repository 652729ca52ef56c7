"""The one writer of the studies' results: each says when, where, with what and how it was measured.

Results under benchmarks/results/ are published: the tables of README.md and docs/ are made from
them. A measurement whose rounds disagree too much does not get there.
"""

import datetime
import os
import pathlib
import shlex
import sys

from benchmarks.machine import library_versions, machine_info
from keras_crosspool.records import write_json

PUBLISHED = pathlib.Path(__file__).resolve().parent / "results"


class UnstableError(Exception):
    """A result was not published since some of its rows are unstable."""


def write_record(path, result, keep_unstable=False, indent=2):
    """Writes the result of a study as JSON, whole or not at all.

    Args:
        path: path of the file.
        result: dict, or list of dicts, which are its `rows`; see `complete_record` for what is
            added.
        keep_unstable: whether unstable rows may be published. Defaults to `False`.
        indent: int, spaces of a level; `None` writes one line. Defaults to `2`.

    Returns:
        dict, what was written.

    Raises:
        UnstableError: if the path is one of the published results, and rows are unstable.
        OSError: if it cannot be written.
    """
    record = complete_record(result)
    if not keep_unstable:
        _check_publishable(pathlib.Path(path), record)
    write_json(path, record, indent)
    return record


def complete_record(result):
    """A result with what every result says: `date` (UTC), `machine`, `versions` and `command`.

    What the result says itself of these is kept. Paths of this machine in its `arguments` are cut
    to what is relative.

    Args:
        result: dict, or list of dicts, which are its `rows`.

    Returns:
        dict.
    """
    record = dict(result) if isinstance(result, dict) else {"rows": list(result)}
    if "arguments" in record:
        arguments = record["arguments"].items()
        record["arguments"] = {name: _without_machine_paths(value) for name, value in arguments}
    added = {
        "date": lambda: datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": machine_info,
        "versions": library_versions,
        "command": command_line,
    }
    missing = {name: value() for name, value in added.items() if name not in record}
    rows = {name: record.pop(name) for name in ("rows", "runtimes") if name in record}
    return record | missing | rows  # what is long stands last


def command_line(arguments=None, module=None):
    """The command that runs in this process, as one line for a shell.

    An absolute path below the working directory is made relative; of another one the name stays.

    Args:
        arguments: list of str, what follows the module. Defaults to that of `sys.argv`.
        module: str. Defaults to the one that `python -m` was given.

    Returns:
        str.

    Example:

    >>> command_line(["/elsewhere/model.tflite", "--split=test"], "benchmarks.latency")
    'python -m benchmarks.latency model.tflite --split=test'
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    words = ["python", "-m", module or _main_module(), *map(_relative_word, arguments)]
    backend = os.environ.get("KERAS_BACKEND")
    return f"KERAS_BACKEND={shlex.quote(backend)} " * bool(backend) + shlex.join(words)


def unstable_rows(record):
    """The names of the rows whose verdict is unstable.

    Args:
        record: dict, a result with `runtimes` or `rows`.

    Returns:
        List of str.
    """
    rows = [*record.get("runtimes", ()), *record.get("rows", ())]
    return [
        str(row.get("name", next(iter(row.values()))))
        for row in rows
        if "unstable" in (row.get("verdict"), row.get("summary", {}).get("verdict"))
    ]


def _check_publishable(path, record):
    unstable = unstable_rows(record)
    if unstable and path.resolve().is_relative_to(PUBLISHED):
        raise UnstableError(
            "Unstable figures are not published: measure again on an idle machine, name another "
            f"--output, or pass --keep_unstable. Received: {'; '.join(unstable)}"
        )


def _main_module():
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    name = spec.name if spec else pathlib.Path(sys.argv[0]).stem
    return name.removesuffix(".__main__")


def _without_machine_paths(value):
    return _relative_word(value) if isinstance(value, str) else value


def _relative_word(word):
    """A word of a command line, the absolute paths in it made relative."""
    flag, equals, value = word.partition("=") if word.startswith("-") else ("", "", word)
    return f"{flag}{equals}{','.join(map(_relative, value.split(',')))}"


def _relative(path):
    if not path.startswith(("/", "~")):
        return path
    path = pathlib.Path(os.path.normpath(path))
    here = pathlib.Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else path.name
