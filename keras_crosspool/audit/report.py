"""What an audit found, as an object, as plain data and in words."""

import collections
import dataclasses

from keras_crosspool.audit.classes import AlikeClasses, ClassReport
from keras_crosspool.audit.finding import KINDS, Finding
from keras_crosspool.audit.label_findings import ImageScore
from keras_crosspool.audit.trial import Trial
from keras_crosspool.text import printable

_WIDTH = 80
_NAME = 18  # characters of a class
_PAIRS = 3  # of classes


@dataclasses.dataclass(frozen=True)
class AuditReport:
    """All that an audit found.

    `print` shows it in a few lines.

    Attributes:
        data: str, the folder.
        splits: dict, split to its number of images that can be read.
        sessions: int, how many sessions the images come from.
        grouped_by: str, in words how the sessions are known; empty where each image is its own.
        trial: `Trial`, how sure the findings of wrong labels are.
        findings: tuple of `Finding`, in the order of their kinds, the surest first.
        images: tuple of `ImageScore`, one an image.
        classes: tuple of `ClassReport`.
        alike: tuple of `AlikeClasses`.
        photograph_next: tuple of str, the classes that need photographs most.
        seconds: float, for all of it.
    """

    data: str
    splits: dict
    sessions: int
    grouped_by: str
    trial: Trial
    findings: tuple[Finding, ...]
    images: tuple[ImageScore, ...]
    classes: tuple[ClassReport, ...]
    alike: tuple[AlikeClasses, ...]
    photograph_next: tuple[str, ...]
    seconds: float

    def of_kind(self, kind):
        """The findings of a kind, a tuple of `Finding`."""
        return tuple(finding for finding in self.findings if finding.kind == kind)

    def to_dict(self):
        """The report as plain data, for JSON."""
        return dataclasses.asdict(self)

    def __str__(self):
        lines = [
            f"{sum(self.splits.values())} images of {len(self.classes)} classes in "
            f"{_cut(', '.join(self.splits))}, looked at in {self.seconds:.0f} s",
            *self._of_findings(),
            *self._of_classes(),
        ]
        return "\n".join(lines)

    def _of_findings(self):
        counts = collections.Counter(finding.kind for finding in self.findings)
        yield from (f"{counts[kind]:6}  {words}" for kind, words in KINDS.items() if counts[kind])
        if not counts:
            yield "nothing was found"
        trial = self.trial
        yield (
            f"how sure: of {trial.exchanged} labels exchanged on trial it found "
            f"{100 * trial.found:.0f} %;"
        )
        yield f"at least {100 * trial.right:.0f} of 100 labels it then doubted were wrong"

    def _of_classes(self):
        for pair in self.alike[:_PAIRS]:
            yield (
                f"hard to tell: {_cut(pair.first)} and {_cut(pair.second)} "
                f"({100 * pair.share:.0f} % mixed up)"
            )
        few = sum(bool(report.advice) for report in self.classes)
        if few:
            yield f"{few} classes were photographed in fewer than 3 sessions"
        if self.photograph_next:
            yield _fitting("photograph next: ", self.photograph_next)


def _cut(name):
    """A class name that leaves room for another one in a line."""
    name = printable(name)
    return name if len(name) <= _NAME else f"{name[: _NAME - 3]}..."


def _fitting(line, names):
    """A line with as many names as it has room for."""
    start = line
    for name in map(_cut, names):
        longer = f"{line}{', ' * (line != start)}{name}"
        if len(longer) > _WIDTH:
            break
        line = longer
    return line
