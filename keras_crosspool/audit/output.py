"""The folder of an audit: audit.json, audit.csv and audit.html, whole or not at all."""

import csv
import dataclasses
import pathlib

from keras_crosspool.audit.finding import Finding
from keras_crosspool.audit.page import audit_page
from keras_crosspool.owned_directory import OwnedDirectory
from keras_crosspool.records import write_json

JSON_FILE, CSV_FILE, PAGE_FILE = "audit.json", "audit.csv", "audit.html"
COLUMNS = ("file", "kind", "score", "other_file", "advice")


def check_output(directory):
    """Refuses to write where something else than an audit stands, or nothing can be written.

    Args:
        directory: path.

    Raises:
        ValueError: if it exists, is not empty and is no audit's.
        OSError: if it cannot be written.
    """
    directory = pathlib.Path(directory)
    owned = OwnedDirectory(directory)
    free = not directory.exists() or (directory.is_dir() and owned.is_empty())
    if not free and not (directory.is_dir() and JSON_FILE in owned.files()):
        raise ValueError(
            "The output exists and is no folder of an audit, so it is not replaced: name another "
            f"one. Received: {directory}"
        )
    owned.check()


def write_audit(directory, report, photographs):
    """Writes the files of an audit; those of an older one are replaced.

    Args:
        directory: path.
        report: `AuditReport`.
        photographs: `Photographs`.

    Raises:
        OSError: if they cannot be written.
    """
    with OwnedDirectory(directory).replaced() as folder:
        write_json(folder / JSON_FILE, report.to_dict())
        with (folder / CSV_FILE).open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(map(_row, report.findings))
        with (folder / PAGE_FILE).open("w", encoding="utf-8") as file:
            file.writelines(audit_page(report, photographs))


def _row(finding: Finding):
    fields = dataclasses.asdict(finding) | {"score": f"{finding.score:.4f}"}
    return {name: fields[name] for name in COLUMNS}
