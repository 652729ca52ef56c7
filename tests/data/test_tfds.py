"""Data sets of TFDS, built offline: the real builders, files and readers of TFDS."""

import io

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from keras_crosspool.data import load_pictures, open_split, picture_batches
from keras_crosspool.tasks import MULTI_LABEL

LABELS = tfds.features.ClassLabel(names=["plum", "apple", "cherry"])
PICTURES = tfds.features.Image(shape=(None, None, 3))


def _png(red):
    file = io.BytesIO()
    Image.new("RGB", (20, 20), (red, 0, 0)).save(file, "png")
    return file.getvalue()


def _builder(name, features, example, count=12):
    """A builder class as TFDS users write it; naming it registers it."""

    def info(self):
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

    def split_generators(self, _):
        return {
            split: ((i, example(i)) for i in range(size))
            for split, size in (("train", count), ("test", 3))
        }

    body = {
        "__doc__": "Pictures of one colour each.",
        "VERSION": tfds.core.Version("1.0.0"),
        "_info": info,
        "_split_generators": split_generators,
        "_generate_examples": None,
    }
    return type(name, (tfds.core.GeneratorBasedBuilder,), body)


def _picture_and_label(i):
    return {"image": io.BytesIO(_png(20 * i)), "label": i % 3}


def _other_bytes(i):
    return {"image": io.BytesIO(_png(20 * i + (i == 5))), "label": i % 3}


def _other_label(i):
    return {"image": io.BytesIO(_png(20 * i)), "label": 0 if i == 5 else i % 3}


def _some_broken(i):
    encoded = _png(20 * i)
    return {"image": io.BytesIO(encoded[:40] if i in (2, 7) else encoded), "label": i % 3}


LISTS = ([0, 2], [1], [], [2, 1])


def _multi_hot(indices):
    return np.eye(3, dtype="uint8")[indices].sum(axis=0, dtype="uint8")


DATA_SETS = {
    "FruitPictures": ({"image": PICTURES, "label": LABELS}, _picture_and_label),
    "FruitOtherBytes": ({"image": PICTURES, "label": LABELS}, _other_bytes),
    "FruitOtherLabel": ({"image": PICTURES, "label": LABELS}, _other_label),
    "FruitBroken": ({"image": PICTURES, "label": LABELS}, _some_broken),
    "FruitLists": (
        {"image": PICTURES, "labels": tfds.features.Sequence(LABELS)},
        lambda i: {"image": io.BytesIO(_png(20 * i)), "labels": LISTS[i % 4]},
    ),
    "FruitMultiHot": (
        {"image": PICTURES, "labels": tfds.features.Tensor(shape=(3,), dtype=np.uint8)},
        lambda i: {"image": io.BytesIO(_png(20 * i)), "labels": _multi_hot(LISTS[i % 4])},
    ),
    "FruitUnlabelled": ({"image": PICTURES}, lambda i: {"image": np.zeros((4, 4, 3), "uint8")}),
    "FruitWeights": (
        {"image": PICTURES, "label": np.float32},
        lambda i: {"image": np.zeros((4, 4, 3), "uint8"), "label": 0.5},
    ),
}


@pytest.fixture(scope="module", autouse=True)
def data_sets(tmp_path_factory):
    """Prepares the data sets in a folder of their own that TFDS looks into."""
    folder = tmp_path_factory.mktemp("tfds")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tfds.core.constants, "DATA_DIR", str(folder))
        for name, (features, example) in DATA_SETS.items():
            _builder(name, features, example)(data_dir=folder).download_and_prepare()
        yield


def test_pictures_and_labels():
    split = open_split("tfds:fruit_pictures", "train")
    assert split.class_names == ("plum", "apple", "cherry")
    assert (split.size, split.skipped, split.coarse_names) == (12, (), {})
    pictures, labels = load_pictures(split, 16)
    red = pictures[:, 0, 0, 0]
    assert sorted(red.tolist()) == list(range(0, 240, 20))
    np.testing.assert_array_equal(labels, red // 20 % 3)
    batches = list(picture_batches(split, 16, 5))
    np.testing.assert_array_equal(np.concatenate([p for p, _ in batches]), pictures)


def test_slices():
    whole = load_pictures(open_split("tfds:fruit_pictures", "train"), 8)[0]
    half = open_split("tfds:fruit_pictures", "train[:50%]")
    assert half.size == 6
    np.testing.assert_array_equal(load_pictures(half, 8)[0], whole[:6])
    assert half.fingerprint != open_split("tfds:fruit_pictures", "train[50%:]").fingerprint


def test_labels_follow_a_models_classes():
    plain = open_split("tfds:fruit_pictures", "train")
    mapped = open_split("tfds:fruit_pictures", "train", ("cherry", "pear", "plum", "apple"))
    mapping = np.array([2, 3, 0])
    np.testing.assert_array_equal(mapping[load_pictures(plain, 8)[1]], load_pictures(mapped, 8)[1])
    with pytest.raises(ValueError, match=r"not trained on.*Received: cherry"):
        open_split("tfds:fruit_pictures", "train", ("apple", "plum"))


def test_fingerprint_follows_content():
    fingerprints = {
        name: open_split(f"tfds:{name}", "train").fingerprint
        for name in ("fruit_pictures", "fruit_other_bytes", "fruit_other_label")
    }
    assert len(set(fingerprints.values())) == 3
    assert open_split("tfds:fruit_pictures", "train").fingerprint == fingerprints["fruit_pictures"]


def test_broken_pictures():
    with pytest.raises(ValueError, match=r"2 of 12 pictures .*--skip_broken.*Received: fruit_brok"):
        open_split("tfds:fruit_broken", "train")
    split = open_split("tfds:fruit_broken", "train", skip_broken=True)
    assert split.size == 10
    assert len(split.skipped) == 2
    batches = list(picture_batches(split, 8, 4))
    red = np.concatenate([pictures[:, 0, 0, 0] for pictures, _ in batches])
    assert sorted(red.tolist()) == [20 * i for i in range(12) if i not in (2, 7)]


@pytest.mark.parametrize(
    ("name", "classes"),
    [("fruit_lists", ("plum", "apple", "cherry")), ("fruit_multi_hot", ("0", "1", "2"))],
)
def test_several_labels(name, classes):
    split = open_split(f"tfds:{name}", "train")
    assert (split.task, split.class_names) == (MULTI_LABEL, classes)
    pictures, labels = load_pictures(split, 16)
    kinds = pictures[:, 0, 0, 0] // 20 % 4
    np.testing.assert_array_equal(labels, [_multi_hot(LISTS[kind]) for kind in kinds])
    mapped = open_split(f"tfds:{name}", "train", (classes[2], "pear", *classes[:2]))
    expected = np.insert(labels[:, [2, 0, 1]], 1, 0, axis=1)
    np.testing.assert_array_equal(load_pictures(mapped, 16)[1], expected)
    assert mapped.fingerprint == split.fingerprint


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no_such_data_set", r"no such data set .*Received: tfds:no_such_data_set$"),
        ("fruit_pictures:9.9.9", r"no such data set .*9\.9\.9.*Received: tfds:fruit_pictures:9"),
        ("", r"no such data set .*Received: tfds:$"),
        ("fruit_unlabelled", r"ClassLabel feature `label`.*tfds:fruit_unlabelled with image$"),
        ("fruit_weights", r"ClassLabel feature `label`.*with image, label$"),
    ],
)
def test_bad_names_and_features_end_in_one_line(name, message):
    with pytest.raises(ValueError, match=message) as error:
        open_split(f"tfds:{name}", "train")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("split", ["validation", "", "train[:80"])
def test_unknown_split(split):
    with pytest.raises(ValueError, match=r"no such split; it has: .*train.*Received: "):
        open_split("tfds:fruit_pictures", split)
