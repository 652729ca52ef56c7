"""A row of the table: what became of every check of one network."""

import dataclasses
import datetime

PASSED, FAILED, NOT_TRIED, NOT_RUN_YET = "passed", "failed", "not tried", "not run yet"
BUILT_NOT_RUN = "built, not run"  # of an engine where there is no GPU


@dataclasses.dataclass(frozen=True)
class Cell:
    """What became of one check.

    Attributes:
        verdict: str, `"passed"`, `"failed"`, `"not tried"`, or `"built, not run"` for an engine
            whose graph was compared in its place.
        reason: str, why it did not pass. Defaults to none.
    """

    verdict: str
    reason: str = ""


@dataclasses.dataclass(frozen=True)
class NetworkRow:
    """One network of the table.

    Attributes:
        network: str, its name.
        weights: str, `"ImageNet"` or `"random"`; empty where the process ended before it knew.
        image_size: int, side of the images in pixels; `None` likewise.
        parameters: int, weights of the network without its head; `None` where it was not built.
        macs: int, multiply-accumulates of the network on one image; `None` likewise.
        cells: dict, check to `Cell`, those that were come to.
        seconds: float, how long the row took.
        peak_bytes: int, the most memory of its process.
        date: str, UTC, when it was last written.
        ended: bool, whether all checks were come to.
    """

    network: str
    weights: str = ""
    image_size: int | None = None
    parameters: int | None = None
    macs: int | None = None
    cells: dict[str, Cell] = dataclasses.field(default_factory=dict)
    seconds: float = 0.0
    peak_bytes: int = 0
    date: str = ""
    ended: bool = False

    def with_cell(self, check, cell, **facts):
        """The row with one more cell, dated now.

        Args:
            check: str.
            cell: `Cell`.
            **facts: other fields that change with it.
        """
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        cells = self.cells | {check: cell}
        return dataclasses.replace(self, cells=cells, date=now, **facts)

    def without_ending(self, checks, reason):
        """The row of a process that ended within a check: that one failed, the rest is not tried.

        Args:
            checks: tuple of str, all of them in order.
            reason: str, how the process ended.
        """
        row = self
        for check in checks:
            if check not in row.cells:
                first = len(row.cells) == len(self.cells)
                cell = Cell(FAILED, reason) if first else Cell(NOT_TRIED, "the process had ended")
                row = row.with_cell(check, cell)
        return dataclasses.replace(row, ended=True)

    def table_row(self, checks):
        """The row as the table shows it.

        Args:
            checks: tuple of str.

        Returns:
            dict, heading to str or number.
        """
        row = self if self.ended else NetworkRow(self.network)
        missing = Cell(NOT_RUN_YET)
        return {
            "network": row.network,
            "weights": row.weights or None,
            "image size": row.image_size,
            "parameters (M)": row.parameters and round(row.parameters / 1e6, 2),
            "MACs (M)": row.macs and round(row.macs / 1e6, 1),
            **{_heading(check): row.cells.get(check, missing).verdict for check in checks},
            "seconds": round(row.seconds) or None,
            "peak GB": round(row.peak_bytes / 1e9, 1) or None,
            "date": row.date[:10] or None,
        }

    def reasons(self):
        """Each check that did not pass, with its reason: list of dicts, as the table shows them."""
        return [
            {"network": self.network, "check": _heading(check), **dataclasses.asdict(cell)}
            for check, cell in self.cells.items()
            if cell.reason
        ]

    def summary(self):
        """The row in one line: how many checks passed, and which did not."""
        wrong = [check for check, cell in self.cells.items() if cell.reason]
        words = f"{len(self.cells) - len(wrong)} of {len(self.cells)} checks passed"
        return f"{self.network}: {words}{'; not: ' * bool(wrong)}{', '.join(map(_heading, wrong))}"


def _heading(check):
    return check.replace(":", " ")
