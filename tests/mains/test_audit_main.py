"""The main audit: it finds faults planted among real photographs, and refuses bad input."""

import csv
import html.parser
import json
import re
import shutil

import numpy as np
import pytest
from PIL import Image, ImageFilter, ImageOps

AUDIT = "keras_crosspool.audit"
CLASSES = ("Anjou", "Arla-Standard-Milk", "Orange")
KINDS = {"label", "duplicate", "leak", "outlier", "broken", "tiny", "dark", "blurred"}


def _plant(folder):
    """Plants one fault of each kind; a dict from kind to the files that must be found."""
    train, test = folder / "train", folder / "test"
    names = {name: sorted((train / name).iterdir()) for name in CLASSES}
    wrong = train / "Orange" / "wrong & <label>.jpg"
    names["Arla-Standard-Milk"][0].rename(wrong)
    with Image.open(names["Anjou"][1]) as image:
        image.convert("RGB").resize((image.width // 2, image.height // 2)).save(
            train / "Anjou" / "copy.jpg", quality=60
        )
    with Image.open(names["Orange"][2]) as image:
        ImageOps.mirror(image.convert("RGB")).save(test / "Orange" / "mirrored.jpg")
    with Image.open(names["Anjou"][3]) as image:
        image.convert("RGB").resize((40, 40)).save(train / "Anjou" / "tiny.jpg")
    with Image.open(names["Orange"][4]) as image:
        Image.fromarray(np.asarray(image.convert("RGB")) // 8).save(train / "Orange" / "dark.png")
    with Image.open(names["Orange"][5]) as image:
        blurred = image.convert("RGB").filter(ImageFilter.GaussianBlur(6))
        blurred.save(train / "Orange" / "blurred.jpg")
    (test / "Anjou" / "broken.jpg").write_bytes(names["Anjou"][0].read_bytes()[:3000])
    return {
        "label": {"train/Orange/wrong & <label>.jpg"},
        "duplicate": {"train/Anjou/copy.jpg"},
        "leak": {"test/Orange/mirrored.jpg"},
        "tiny": {"train/Anjou/tiny.jpg"},
        "dark": {"train/Orange/dark.png"},
        "blurred": {"train/Orange/blurred.jpg"},
        "broken": {"test/Anjou/broken.jpg"},
    }


def _state(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def audited(run_main, fork_main, copy_images, model_directory, tmp_path_factory):
    """Photographs with planted faults and their audit: folder, planted, process, output."""
    folder = copy_images(tmp_path_factory.mktemp("audited") / "photos", {"train": 14, "test": 6})
    planted, before = _plant(folder), _state(folder)
    output = folder.parent / "audit"
    done = fork_main(AUDIT, f"--data={folder}", f"--output={output}", f"--model={model_directory}")
    assert done.returncode == 0, done.stderr
    assert _state(folder) == before
    return folder, planted, done, output


def _rows(output):
    with (output / "audit.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_planted_faults_are_found(audited):
    _, planted, _, output = audited
    rows = _rows(output)
    assert list(rows[0]) == ["file", "kind", "score", "other_file", "advice"]
    assert {row["kind"] for row in rows} <= KINDS
    for kind, files in planted.items():
        found = {name for row in rows if row["kind"] == kind
                 for name in (row["file"], row["other_file"])}  # fmt: skip
        assert files <= found, (kind, found)
    assert all(0 <= float(row["score"]) <= 1 and row["advice"] for row in rows)
    (wrong,) = (row for row in rows if "wrong" in row["file"] and row["kind"] == "label")
    assert "looks like Arla-Standard-Milk" in wrong["advice"]
    assert "/Arla-Standard-Milk/" in wrong["other_file"]


def test_right_photographs_are_mostly_left_alone(audited):
    rows = _rows(audited[3])
    changed = ("copy", "mirrored", "tiny", "dark", "blurred")
    for row in rows:
        if row["kind"] in ("duplicate", "leak"):
            assert any(word in row["file"] + row["other_file"] for word in changed), row
    useless = {row["file"] for row in rows if row["kind"] in ("tiny", "dark", "blurred", "broken")}
    planted = set().union(*(audited[1][kind] for kind in ("tiny", "dark", "blurred", "broken")))
    # The copy of half the size is enlarged for the network, so it looks blurred.
    assert planted <= useless <= planted | {"train/Anjou/copy.jpg"}
    assert sum(row["kind"] == "label" for row in rows) <= 4


def test_every_image_has_a_score_in_the_json(audited):
    folder, _, _, output = audited
    record = json.loads((output / "audit.json").read_text())
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {row["file"] for row in record["images"]} == files - {"test/Anjou/broken.jpg"}
    assert all(0 <= row["label"] <= 1 for row in record["images"])
    worst = min(record["images"], key=lambda row: row["label"])
    assert worst["file"] == "train/Orange/wrong & <label>.jpg"
    assert (worst["classes"], worst["suggested"]) == (["Orange"], "Arla-Standard-Milk")
    assert [row["name"] for row in record["classes"]] == list(CLASSES)
    assert record["splits"] == {"test": 19, "train": 46}
    assert 0 <= record["trial"]["found"] <= 1
    assert len(record["findings"]) == len(_rows(output))


class _Page(html.parser.HTMLParser):
    """Collects what a page would fetch, and its text."""

    def __init__(self):
        super().__init__()
        self.sources, self.text = [], ""

    def handle_starttag(self, tag, attributes):
        assert tag not in ("script", "link", "iframe", "label")
        self.sources += [value for name, value in attributes if name in ("src", "href")]

    def handle_data(self, data):
        self.text += data


def test_the_page_needs_nothing_else_and_escapes_names(audited):
    page = _Page()
    page.feed((audited[3] / "audit.html").read_text("utf-8"))
    assert page.sources
    assert all(source.startswith("data:image/jpeg;base64,") for source in page.sources)
    assert "train/Orange/wrong & <label>.jpg" in page.text


def test_the_summary_is_short(audited):
    _, _, done, output = audited
    lines = done.stdout.splitlines()
    assert "images of 3 classes in test, train, looked at in" in lines[0]
    assert any(line.startswith("how sure: of 21 labels exchanged on trial") for line in lines)
    assert any("Labels that are probably wrong" in line for line in lines)
    assert f"next: open {output}/audit.html" in done.stdout.replace("\n", "")
    assert lines[-1].startswith("then: crosspool train --data=")
    assert max(map(len, lines[:-2])) <= 80


def _break(case, folder, copy_images):
    """Arguments of a bad command."""
    if case == "one class":
        copy_images(folder / "one", {"train": 3}, CLASSES[:1])
        return f"--data={folder}/one", f"--output={folder}/out"
    if case == "no images":
        (folder / "empty" / "train" / "Anjou").mkdir(parents=True)
        return f"--data={folder}/empty", f"--output={folder}/out"
    copy_images(folder / "photos", {"train": 2})
    if case == "output exists":
        (folder / "mine").mkdir()
        (folder / "mine" / "notes.txt").write_text("mine")
        return f"--data={folder}/photos", f"--output={folder}/mine"
    if case == "output is a file":
        (folder / "file").write_text("mine")
        return f"--data={folder}/photos", f"--output={folder}/file"
    if case == "no such split":
        return f"--data={folder}/photos", f"--output={folder}/out", "--splits=train,val"
    if case == "splits of a folder without":
        return f"--data={folder}/photos/train", f"--output={folder}/out", "--splits=train"
    if case == "no model":
        return f"--data={folder}/photos", f"--output={folder}/out", f"--model={folder}/photos"
    return f"--data={folder}/nowhere", f"--output={folder}/out"


BAD = {
    "no such folder": r"no such folder of images.*Received: .*nowhere$",
    "one class": r"needs two or more with images.*Received: .*one with Anjou$",
    "no images": r"holds no images.*Received: .*empty, which holds train$",
    "no such split": r"has no such split; it has: train\. Received: 'val'$",
    "splits of a folder without": r"leave --splits out\. Received: .*train, splits train$",
    "output exists": r"is no folder of an audit.*Received: .*mine$",
    "output is a file": r"is no folder of an audit.*Received: .*file$",
    "no model": r"no model directory.*Received: .*photos$",
}


@pytest.fixture(scope="module")
def refused(fork_mains, copy_images, tmp_path_factory):
    folders = {case: tmp_path_factory.mktemp("refused") for case in BAD}
    commands = {
        case: (AUDIT, *_break(case, folder, copy_images)) for case, folder in folders.items()
    }
    before = {case: _state(folder) for case, folder in folders.items()}
    done = fork_mains(commands)
    return {case: (done[case], before[case] == _state(folders[case])) for case in BAD}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line(refused, case, tried):
    done, unchanged = refused[case]
    assert done.returncode == 2, done.stderr
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("error: "))
    assert line == done.stderr.splitlines()[-1]
    assert re.search(BAD[case], line), line
    assert unchanged
    tried("audit", case, line)


def test_help_in_words(run_main):
    done = run_main(AUDIT, "--help")
    assert done.returncode == 0, done.stderr
    assert "python -m keras_crosspool.audit --data=PHOTOS" in done.stdout
    assert "--splits:" in done.stdout


def test_an_older_audit_is_replaced_and_other_files_stay(
    audited, fork_main, model_directory, tmp_path
):
    folder, _, _, output = audited
    copied = tmp_path / "audit"
    shutil.copytree(output, copied)
    (copied / "notes.txt").write_text("mine")
    command = (AUDIT, f"--data={folder}", f"--output={copied}", f"--model={model_directory}")
    done = fork_main(*command, "--splits=train")
    assert done.returncode == 0, done.stderr
    assert json.loads((copied / "audit.json").read_text())["splits"] == {"train": 46}
    assert (copied / "notes.txt").read_text() == "mine"
    assert not any(row["kind"] == "leak" for row in _rows(copied))


def test_several_labels_an_image(fork_main, copy_images, model_directory, tmp_path):
    source = copy_images(tmp_path / "source", {"train": 14})
    folder = tmp_path / "photos" / "train"
    folder.mkdir(parents=True)
    lines = ["file,labels"]
    for path in sorted(source.rglob("*.jpg")):
        shutil.copy(path, folder / path.name)
        name = path.parent.name
        lines.append(f"{path.name},{name}{';carton' if 'Milk' in name else ';fruit'}")
    lines[1] = lines[1].replace(";fruit", ";carton")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    done = fork_main(
        AUDIT, f"--data={folder.parent}", f"--output={tmp_path}/audit", f"--model={model_directory}"
    )
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "audit" / "audit.json").read_text())
    worst = min(record["images"], key=lambda row: row["label"])
    assert worst["file"] == f"train/{lines[1].split(',')[0]}"
    found = {row["file"]: row["advice"] for row in record["findings"] if row["kind"] == "label"}
    assert re.search("carton|fruit", found[worst["file"]])
    assert record["alike"] == []
