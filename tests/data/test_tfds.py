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
    """Prepares the data sets in a folder of their own that TFDS looks into, and gives it."""
    folder = tmp_path_factory.mktemp("tfds")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tfds.core.constants, "DATA_DIR", str(folder))
        for name, (features, example) in DATA_SETS.items():
            _builder(name, features, example)(data_dir=folder).download_and_prepare()
        yield folder


class FruitShades(tfds.core.GeneratorBasedBuilder):
    """Pictures in two configurations, dark and light."""

    VERSION = tfds.core.Version("2.0.0")
    BUILDER_CONFIGS = tuple(tfds.core.BuilderConfig(name=name) for name in ("dark", "light"))

    def _info(self):
        features = tfds.features.FeaturesDict({"image": PICTURES, "label": LABELS})
        metadata = tfds.core.MetadataDict(coarse_names={"plum": "stone"})
        return tfds.core.DatasetInfo(builder=self, features=features, metadata=metadata)

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        shade = {"dark": 10, "light": 200}[self.builder_config.name]
        yield from ((i, {"image": io.BytesIO(_png(shade + i)), "label": i}) for i in range(3))


class FruitByHand(FruitShades):
    """Pictures that must be put there by hand."""

    MANUAL_DOWNLOAD_INSTRUCTIONS = "Pick the fruit."

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples(dl_manager.manual_dir)}


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
    test = load_pictures(open_split("tfds:fruit_pictures", "test"), 8)[0]
    both = open_split("tfds:fruit_pictures", "train[75%:]+test")
    assert (both.size, len(set(both.names))) == (6, 6)
    np.testing.assert_array_equal(load_pictures(both, 8)[0], np.concatenate([whole[9:], test]))


@pytest.mark.parametrize(
    ("name", "red"),
    [
        ("fruit_shades", 10),
        ("fruit_shades/light", 200),
        ("fruit_shades/light:2.0.0", 200),
        ("fruit_shades:2.0.0", 10),
    ],
)
def test_configurations_and_versions_in_a_folder_of_ones_own(name, red, tmp_path):
    split = open_split(f"tfds:{name.partition(':')[0]}", "train", data_dir=tmp_path)
    again = open_split(f"tfds:{name}", "train", data_dir=str(tmp_path))
    assert sorted(load_pictures(again, 8)[0][:, 0, 0, 0]) == [red, red + 1, red + 2]
    assert again.fingerprint == split.fingerprint
    assert again.coarse_names == {"plum": "stone"}
    (prepared,) = tmp_path.glob("fruit_shades/*/2.0.0")
    assert prepared.parent.name == ("light" if red == 200 else "dark")


@pytest.mark.parametrize("place", ["fruit_pictures/1.0.0", "fruit_pictures"])
def test_prepared_folder(place, data_sets, monkeypatch):
    named = open_split("tfds:fruit_pictures", "train[:80%]")
    monkeypatch.chdir(data_sets)
    for folder in (data_sets / place, f"./{place}"):
        opened = open_split(f"tfds:{folder}", "train[:80%]")
        assert opened.class_names == named.class_names
        assert opened.fingerprint == named.fingerprint


@pytest.mark.parametrize(
    ("data", "data_dir", "message"),
    [
        ("tfds:.", None, r"one data set .*found: .*fruit_broken/1\.0\.0, .*Received: tfds:\.$"),
        ("tfds:./nowhere", None, r"one data set .*found: none\. Received: tfds:\./nowhere$"),
        ("tfds:./fruit_pictures", "there", r"leave data_dir out.*pictures, data_dir there$"),
        ("fruit_pictures", "there", r"goes with tfds:NAME\. Received: fruit_pictures, data_dir th"),
        ("tfds:no_such", "there", r"no such data set .*Received: tfds:no_such in there$"),
    ],
)
def test_bad_folders_end_in_one_line(data, data_dir, message, data_sets, monkeypatch):
    monkeypatch.chdir(data_sets)
    with pytest.raises(ValueError, match=message) as error:
        open_split(data, "train", data_dir=data_dir)
    assert "\n" not in str(error.value)


def test_files_that_must_be_put_there_by_hand(tmp_path):
    with pytest.raises(OSError, match=r"prepared: .*Pick the fruit.*Received: tfds:fruit_by_hand$"):
        open_split("tfds:fruit_by_hand", "train", data_dir=tmp_path)


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
