"""What is timed: one artefact or Keras model under one runtime with one number of threads."""

import dataclasses
import pathlib

# Kept free of keras: worker processes import this module, and their memory is measured.
KERAS_CALLS = {
    "predict": "Keras model.predict_on_batch(x)",
    "eager": "Keras model(x), eager",
}
REFERENCE = KERAS_CALLS["predict"]


@dataclasses.dataclass(frozen=True)
class Candidate:
    """One line of the latency table, before it is measured.

    Args:
        name: str, unique in a table.
        runtime: str, what runs it; for Keras also how it is called.
        path: str, the artefact or model directory.
        precision: str.
        bytes: int, size of the file.
        module: str, the runtime's module, whose import is timed apart from loading; `None` counts
            it as loading.
        threads: int; `None` leaves it to the runtime. Defaults to `None`.
        keras_call: key of `KERAS_CALLS`; `None` for an artefact, the default.
        needs_gpu: bool. Defaults to `False`.
    """

    name: str
    runtime: str
    path: str
    precision: str
    bytes: int
    module: str | None
    threads: int | None = None
    keras_call: str | None = None
    needs_gpu: bool = False

    @property
    def file(self):
        """Name of the file or model directory."""
        return pathlib.Path(self.path).name

    def to_dict(self):
        """The candidate as plain data for a results file."""
        return {
            "name": self.name,
            "runtime": self.runtime,
            "file": self.file,
            "precision": self.precision,
            "threads": self.threads,
            "bytes": self.bytes,
        }
