"""The gate: a finished file takes its name only once it is proven, with its record beside it."""

import dataclasses

from export import formats
from export.artefact import Artefact, atomic_artefact, file_sha256, tool_versions
from export.runners.keras_runner import KerasRunner


@dataclasses.dataclass(frozen=True)
class Draft:
    """A converted model that is not yet proven.

    Args:
        format: str, row of `export.formats`.
        precision: str.
        content: bytes of the file.
        operators: dict, operator to count.
        inputs: tuple of dicts, see `Artefact`.
        outputs: likewise.
        packages: names of the packages that made it, whose versions are recorded.
        details: dict, what only this format has.
    """

    format: str
    precision: str
    content: bytes
    operators: dict
    inputs: tuple
    outputs: tuple
    packages: tuple
    details: dict


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
    """
    with atomic_artefact(output) as (file, sidecar):
        file.write_bytes(draft.content)
        artefact = Artefact(
            file=output.name,
            format=draft.format,
            precision=draft.precision,
            sha256=file_sha256(file),
            bytes=len(draft.content),
            inputs=draft.inputs,
            outputs=draft.outputs,
            operators=draft.operators,
            model=source.describe(),
            parity=prove(file, draft, source, comparator),
            versions=tool_versions("keras_crosspool", "keras", *draft.packages),
            details=draft.details,
        )
        sidecar.write_text(artefact.to_json())
    return artefact


def prove(file, draft, source, comparator):
    """The parity record of a file; see `publish`."""
    if comparator is None:
        return {"status": "off"}
    record = {"runtime": formats.get_format(draft.format).runtime, **comparator.describe()}
    if source.rebuilt_from:
        with KerasRunner(source.original, name="the model as trained") as runner:
            trained = comparator.demand(runner, source.rebuilt_from)
        record["float32_rebuild"] = trained.to_dict()
    runner_class = formats.resolve(formats.get_format(draft.format).runner)
    with runner_class(file) as runner:
        return {**record, **comparator.demand(runner, draft.precision).to_dict()}
