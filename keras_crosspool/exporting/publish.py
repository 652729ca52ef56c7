"""The gate: a finished file takes its name only once it is proven, with its record beside it."""

import dataclasses
from collections.abc import Callable

from keras_crosspool.exporting import formats
from keras_crosspool.exporting.artefact import (
    Artefact,
    atomic_artefact,
    path_bytes,
    path_sha256,
    write_record,
)
from keras_crosspool.exporting.folder import Folder, write_content
from keras_crosspool.exporting.keras_runner import KerasRunner
from keras_crosspool.versions import package_versions


@dataclasses.dataclass(frozen=True)
class Draft:
    """A converted model that is not yet proven.

    Args:
        format: str, row of `keras_crosspool.exporting.formats`.
        precision: str.
        content: bytes of the file, or a `Folder`.
        operators: dict, operator to count.
        inputs: tuple of dicts, see `Artefact`.
        outputs: likewise.
        packages: names of the packages that made it, whose versions are recorded.
        details: dict, what only this format has.
        hint: str, added to the error when parity fails. Defaults to none.
        make_runner: function of the file's path and its record that gives the `Runner` which
            proves it. Defaults to the format's own.
        graph: bytes of the graph whose float16 arithmetic is proven. Defaults to the file itself.
    """

    format: str
    precision: str
    content: bytes | Folder
    operators: dict
    inputs: tuple
    outputs: tuple
    packages: tuple
    details: dict
    hint: str = ""
    make_runner: Callable | None = None
    graph: bytes | None = None


def publish(draft, source, output, comparator):
    """Compares a draft with the Keras model and writes it with its record, or writes nothing.

    Args:
        draft: `Draft`.
        source: `Source` it was made from.
        output: path of the artefact.
        comparator: `Comparator`, or `None` to write it unproven.

    Returns:
        `Artefact`.

    Raises:
        ParityError: if it is not the Keras model any more; an older file at `output` stays.
        OSError: if the file or its record cannot be written; it names that one.
    """
    with atomic_artefact(output, isinstance(draft.content, Folder)) as file:
        write_content(draft.content, file)
        unproven = Artefact(
            file=output.name,
            format=draft.format,
            precision=draft.precision,
            sha256=path_sha256(file),
            bytes=path_bytes(file),
            inputs=draft.inputs,
            outputs=draft.outputs,
            operators=draft.operators,
            model=source.to_dict(),
            parity={"status": "off"},
            versions=package_versions("keras_crosspool", "keras", *draft.packages),
            details=draft.details,
        )
        parity = _prove(file, unproven, draft, source, comparator) if comparator else {}
        artefact = dataclasses.replace(unproven, parity=unproven.parity | parity)
        write_record(output, artefact)
    return artefact


def _prove(file, artefact, draft, source, comparator):
    """The parity record of a file; see `publish`."""
    record = comparator.to_dict()
    if source.rebuilt_from:
        with KerasRunner(source.original, name="the model as trained") as runner:
            record["float32_rebuild"] = comparator.demand(runner, source.rebuilt_from).to_dict()
    row = formats.get_format(draft.format)
    make_runner = draft.make_runner or (lambda path, _: formats.resolve(row.runner)(path))
    with make_runner(file, artefact) as runner:
        result = comparator.demand(runner, draft.precision, draft.hint)
    float16 = None
    if row.float16_runner:
        with formats.resolve(row.float16_runner)(draft.graph or file) as emulation:
            float16 = comparator.demand_float16(emulation, draft.precision)
    return {"runtime": runner.name, **record, **result.to_dict(), "float16_arithmetic": float16}
