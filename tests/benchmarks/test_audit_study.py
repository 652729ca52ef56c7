"""The study of the audit: copies are planted beside the photographs, sessions exchanged whole."""

import numpy as np
from PIL import Image

from benchmarks.audit.copied_images import KINDS, plant_copies
from benchmarks.audit.exchanged_labels import exchange_sessions, measure


def test_copies_are_planted_beside_links(tiny_folder, tmp_path):
    files = sorted(path.relative_to(tiny_folder).as_posix() for path in tiny_folder.rglob("*.jpg"))
    planted = plant_copies(files, tiny_folder, tmp_path / "planted", 10)
    found = {path.relative_to(tmp_path / "planted").as_posix()
             for path in (tmp_path / "planted").rglob("*.jpg")}  # fmt: skip
    assert found == {*files, *(copy for _, copy in planted)}
    assert [*planted.values()] == [*KINDS, *KINDS]
    for (source, copy), kind in planted.items():
        sizes = [_size(tmp_path / "planted" / name) for name in (source, copy)]
        share = {"half the size": 0.5, "cropped": 0.9}.get(kind, 1)
        assert abs(sizes[1][0] - share * sizes[0][0]) <= 1


def _size(path):
    with Image.open(path) as image:
        return image.size


def test_whole_sessions_are_exchanged():
    labels, groups = np.repeat(np.arange(4), 50), np.arange(200) // 5
    changed, exchanged = exchange_sessions(labels, groups, 4)
    assert exchanged.sum() == 10
    assert ((changed != labels) == exchanged).all()
    assert all(len(set(exchanged[groups == group])) == 1 for group in range(40))


def test_measures():
    scores, exchanged = np.array([0.1, 0.2, 0.3, 0.4]), np.array([True, False, True, False])
    found = measure(scores, exchanged)
    assert found["average_precision"] == (1 + 2 / 3) / 2
    assert (found["precision_of_first_n"], found["auroc"]) == (0.5, 0.75)
