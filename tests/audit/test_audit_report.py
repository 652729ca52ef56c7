"""The summary of an audit: short lines, whatever the classes are called."""

from keras_crosspool.audit.classes import AlikeClasses, ClassReport
from keras_crosspool.audit.finding import Finding
from keras_crosspool.audit.report import AuditReport
from keras_crosspool.audit.trial import Trial


def _report(names, findings=()):
    return AuditReport(
        data="photos",
        splits={"train": 1000, "a split with a long name": 200},
        sessions=30,
        grouped_by="time and camera",
        trial=Trial(60, 0.934, 0.871),
        findings=findings,
        images=(),
        classes=tuple(ClassReport(name, 10, 1, 0.5, "Photograph it.") for name in names),
        alike=(AlikeClasses(names[0], names[1], 0.31, "Look."),),
        photograph_next=tuple(names),
        seconds=61.2,
    )


def test_lines_are_at_most_80_columns():
    lines = str(_report([f"{letter * 40}\n\x1b[31m" for letter in "abcde"])).splitlines()
    assert max(map(len, lines)) <= 80
    assert all(line.isprintable() for line in lines)
    assert "hard to tell: aaaaaaaaaaaaaaa... and bbbbbbbbbbbbbbb... (31 % mixed up)" in lines
    assert "photograph next: aaaaaaaaaaaaaaa..., bbbbbbbbbbbbbbb..., ccccccccccccccc..." in lines


def test_it_says_what_was_found_and_how_sure_it_is():
    findings = (Finding("label", "a.jpg", 0.1, "", "Look."), Finding("dark", "b.jpg", 0.2, "", "."))
    report = _report(["pear", "plum"], findings)
    text = str(report)
    assert "1200 images of 2 classes in train, a split ..., looked at in 61 s" in text
    assert "     1  Labels that are probably wrong\n     1  Images that are too dark\n" in text
    assert "of 60 labels exchanged on trial it found 93 %" in text
    assert "at least 87 of 100 labels it then doubted were wrong" in text
    assert "2 classes were photographed in fewer than 3 sessions" in text
    assert report.of_kind("dark") == findings[1:]
    assert report.to_dict()["trial"] == {"exchanged": 60, "found": 0.934, "right": 0.871}


def test_nothing_found_is_said():
    assert "nothing was found" in str(_report(["pear", "plum"]))
