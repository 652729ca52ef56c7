"""Data sets of TFDS, built offline: the real builders, files and readers of TFDS."""

import functools
import io

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from PIL import Image

from keras_crosspool.data import image_batches, load_images, open_split
from keras_crosspool.data.tfds_labels import TfdsLabels
from keras_crosspool.targets import MULTI_LABEL, SINGLE_LABEL

LABELS = tfds.features.ClassLabel(names=["plum", "apple", "cherry"])
IMAGES = tfds.features.Image(shape=(None, None, 3))

COARSE = {"plum": "stone", "apple": "pome", "cherry": "stone"}


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
        "__doc__": "Images of one colour each.",
        "VERSION": tfds.core.Version("1.0.0"),
        "_info": info,
        "_split_generators": split_generators,
        "_generate_examples": None,
    }
    return type(name, (tfds.core.GeneratorBasedBuilder,), body)


def _image_and_label(i):
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


def _painted(channels, dtype, i):
    """One value in all channels, opaque."""
    image = np.full((4, 4, channels), 20 * i * (257 if dtype is np.uint16 else 1), dtype)
    if channels == 4:
        image[..., 3] = 255
    return {"image": image, "label": i % 3}


DATA_SETS = {
    "FruitImages": ({"image": IMAGES, "label": LABELS}, _image_and_label),
    "FruitOtherBytes": ({"image": IMAGES, "label": LABELS}, _other_bytes),
    "FruitOtherLabel": ({"image": IMAGES, "label": LABELS}, _other_label),
    "FruitBroken": ({"image": IMAGES, "label": LABELS}, _some_broken),
    "FruitLists": (
        {"image": IMAGES, "labels": tfds.features.Sequence(LABELS)},
        lambda i: {"image": io.BytesIO(_png(20 * i)), "labels": LISTS[i % 4]},
    ),
    "FruitMultiHot": (
        {"image": IMAGES, "labels": tfds.features.Tensor(shape=(3,), dtype=np.uint8)},
        lambda i: {"image": io.BytesIO(_png(20 * i)), "labels": _multi_hot(LISTS[i % 4])},
    ),
    "FruitHalfLabelled": (
        {"image": IMAGES, "label": LABELS},
        lambda i: {"image": io.BytesIO(_png(20 * i)), "label": -1 if i % 4 == 3 else i % 3},
    ),
    "FruitAllUnknown": (
        {"image": IMAGES, "label": LABELS},
        lambda i: {"image": io.BytesIO(_png(20 * i)), "label": -1},
    ),
    "FruitSigns": (
        {"image": IMAGES, "labels": tfds.features.Tensor(shape=(3,), dtype=np.int8)},
        lambda i: {
            "image": io.BytesIO(_png(20 * i)),
            "labels": np.int8(_multi_hot(LISTS[i % 4])) * (2 if i < 2 else 1) - (i < 2),
        },
    ),
    "FruitFloats": (
        {"image": tfds.features.Image(shape=(4, 4, 1), dtype=np.float32), "label": LABELS},
        lambda i: {"image": np.full((4, 4, 1), 0.5, "float32"), "label": 0},
    ),
    **{
        f"FruitOf{channels}Of{np.dtype(dtype).itemsize}": (
            {
                "image": tfds.features.Image(shape=(None, None, channels), dtype=dtype),
                "label": LABELS,
            },
            functools.partial(_painted, channels, dtype),
        )
        for channels, dtype in ((1, np.uint8), (4, np.uint8), (1, np.uint16))
    },
    "FruitUnlabelled": ({"image": IMAGES}, lambda i: {"image": np.zeros((4, 4, 3), "uint8")}),
    "FruitWeights": (
        {"image": IMAGES, "label": np.float32},
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


@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_tensorflow_leaves_the_gpus_to_another_backend(data_sets, monkeypatch, backend):
    """Before it reads: its first tensor would take the memory of every GPU."""
    calls = []
    builder = tfds.builder
    monkeypatch.setattr(keras.config, "backend", lambda: backend)
    monkeypatch.setattr(tf.config, "set_visible_devices", lambda *what: calls.append(what))
    monkeypatch.setattr(tfds, "builder", lambda *a, **k: calls.append("read") or builder(*a, **k))
    open_split("tfds:fruit_lists", "train")
    assert calls == [*([([], "GPU")] if backend != "tensorflow" else []), "read"]


class FruitShades(tfds.core.GeneratorBasedBuilder):
    """Images in two configurations, dark and light."""

    VERSION = tfds.core.Version("2.0.0")
    BUILDER_CONFIGS = tuple(tfds.core.BuilderConfig(name=name) for name in ("dark", "light"))

    def _info(self):
        features = tfds.features.FeaturesDict({"image": IMAGES, "label": LABELS})
        metadata = tfds.core.MetadataDict(coarse_names=COARSE)
        return tfds.core.DatasetInfo(builder=self, features=features, metadata=metadata)

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        shade = {"dark": 10, "light": 200}[self.builder_config.name]
        yield from ((i, {"image": io.BytesIO(_png(shade + i)), "label": i}) for i in range(3))


class FruitByHand(FruitShades):
    """Images that must be put there by hand."""

    MANUAL_DOWNLOAD_INSTRUCTIONS = "Pick the fruit."

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples(dl_manager.manual_dir)}


def test_images_and_labels():
    split = open_split("tfds:fruit_images", "train")
    assert split.class_names == ("plum", "apple", "cherry")
    assert (split.size, split.skipped, split.coarse_names) == (12, (), {})
    images, labels = load_images(split, 16)
    red = images[:, 0, 0, 0]
    assert sorted(red.tolist()) == list(range(0, 240, 20))
    np.testing.assert_array_equal(labels, red // 20 % 3)
    batches = list(image_batches(split, 16, 5))
    np.testing.assert_array_equal(np.concatenate([p for p, _ in batches]), images)


def test_slices():
    whole = load_images(open_split("tfds:fruit_images", "train"), 8)[0]
    half = open_split("tfds:fruit_images", "train[:50%]")
    assert half.size == 6
    np.testing.assert_array_equal(load_images(half, 8)[0], whole[:6])
    assert half.fingerprint != open_split("tfds:fruit_images", "train[50%:]").fingerprint
    test = load_images(open_split("tfds:fruit_images", "test"), 8)[0]
    both = open_split("tfds:fruit_images", "train[75%:]+test")
    assert (both.size, len(set(both.names))) == (6, 6)
    np.testing.assert_array_equal(load_images(both, 8)[0], np.concatenate([whole[9:], test]))


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
    assert sorted(load_images(again, 8)[0][:, 0, 0, 0]) == [red, red + 1, red + 2]
    assert again.fingerprint == split.fingerprint
    assert again.coarse_names == COARSE
    (prepared,) = tmp_path.glob("fruit_shades/*/2.0.0")
    assert prepared.parent.name == ("light" if red == 200 else "dark")


@pytest.mark.parametrize("place", ["fruit_images/1.0.0", "fruit_images"])
def test_prepared_folder(place, data_sets, monkeypatch):
    named = open_split("tfds:fruit_images", "train[:80%]")
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
        ("tfds:./fruit_images", "there", r"leave data_dir out.*images, data_dir there$"),
        ("fruit_images", "there", r"goes with tfds:NAME\. Received: fruit_images, data_dir th"),
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
    plain = open_split("tfds:fruit_images", "train")
    mapped = open_split("tfds:fruit_images", "train", ("cherry", "pear", "plum", "apple"))
    mapping = np.array([2, 3, 0])
    np.testing.assert_array_equal(mapping[load_images(plain, 8)[1]], load_images(mapped, 8)[1])
    with pytest.raises(ValueError, match=r"not trained on.*Received: cherry"):
        open_split("tfds:fruit_images", "train", ("apple", "plum"))


def test_fingerprint_follows_content():
    fingerprints = {
        name: open_split(f"tfds:{name}", "train").fingerprint
        for name in ("fruit_images", "fruit_other_bytes", "fruit_other_label")
    }
    assert len(set(fingerprints.values())) == 3
    assert open_split("tfds:fruit_images", "train").fingerprint == fingerprints["fruit_images"]


def test_broken_images():
    with pytest.raises(
        ValueError, match=r"2 of 12 images .*`skip_broken`.*Received: broken: fruit_brok"
    ):
        open_split("tfds:fruit_broken", "train")
    split = open_split("tfds:fruit_broken", "train", skip_broken=True)
    assert split.size == 10
    assert len(split.skipped) == 2
    batches = list(image_batches(split, 8, 4))
    red = np.concatenate([images[:, 0, 0, 0] for images, _ in batches])
    assert sorted(red.tolist()) == [20 * i for i in range(12) if i not in (2, 7)]


@pytest.mark.parametrize(
    ("name", "classes"),
    [("fruit_lists", ("plum", "apple", "cherry")), ("fruit_multi_hot", ("0", "1", "2"))],
)
def test_several_labels(name, classes):
    split = open_split(f"tfds:{name}", "train")
    assert (split.task, split.class_names) == (MULTI_LABEL, classes)
    images, labels = load_images(split, 16)
    kinds = images[:, 0, 0, 0] // 20 % 4
    np.testing.assert_array_equal(labels, [_multi_hot(LISTS[kind]) for kind in kinds])
    mapped = open_split(f"tfds:{name}", "train", (classes[2], "pear", *classes[:2]))
    expected = np.insert(labels[:, [2, 0, 1]], 1, 0, axis=1)
    np.testing.assert_array_equal(load_images(mapped, 16)[1], expected)
    assert mapped.fingerprint == split.fingerprint


def test_examples_without_a_label_are_left_out_and_counted(tried):
    split = open_split("tfds:fruit_half_labelled", "train")
    assert (split.size, split.left_out, split.skipped) == (9, {"unlabelled": 3}, ())
    images, labels = load_images(split, 8)
    red = images[:, 0, 0, 0] // 20
    assert sorted(red) == [i for i in range(12) if i % 4 != 3]
    np.testing.assert_array_equal(labels, red % 3)
    part = split.between(2, 7)
    np.testing.assert_array_equal(load_images(part, 8)[0], images[2:7])
    tried("tables", "TFDS examples whose ClassLabel is -1", split.summary())
    with pytest.raises(ValueError, match=r"No image .* is labelled.*fruit_all_unknown, train$"):
        open_split("tfds:fruit_all_unknown", "train")


def test_multi_hot_labels_of_other_signs_are_refused(tried):
    message = r"2 of 12 .*`skip_broken`.*label outside its range: fruit_signs-train"
    with pytest.raises(ValueError, match=message) as error:
        open_split("tfds:fruit_signs", "train")
    tried("tables", "TFDS multi-hot labels of -1 and 1", error.value)
    split = open_split("tfds:fruit_signs", "train", skip_broken=True)
    assert (split.size, split.left_out) == (10, {"label outside its range": 2})
    images, labels = load_images(split, 8)
    expected = [_multi_hot(LISTS[red // 20 % 4]) for red in images[:, 0, 0, 0]]
    np.testing.assert_array_equal(labels, expected)


@pytest.mark.parametrize(
    ("labels", "value", "expected"),
    [
        (TfdsLabels(SINGLE_LABEL, ("a", "b"), "label"), 1, [1]),
        (TfdsLabels(SINGLE_LABEL, ("a", "b"), "label"), -1, None),
        (TfdsLabels(SINGLE_LABEL, ("a", "b"), "label"), 2, r"2 classes.*: 2\."),
        (TfdsLabels(SINGLE_LABEL, ("a", "b"), "label"), -2, r"2 classes.*: -2\."),
        (TfdsLabels(MULTI_LABEL, ("a", "b"), "labels"), [1, 0], [1, 0]),
        (TfdsLabels(MULTI_LABEL, ("a", "b"), "labels"), [], []),
        (TfdsLabels(MULTI_LABEL, ("a", "b"), "labels"), [0, -1], r"2 classes.*: -1\."),
        (TfdsLabels(MULTI_LABEL, ("a", "b"), "labels", multi_hot=True), [True, False], [0]),
        (TfdsLabels(MULTI_LABEL, ("a", "b"), "labels", multi_hot=True), [0, 255], r"holds 255,"),
    ],
)
def test_every_label_is_checked(labels, value, expected):
    if isinstance(expected, str):
        with pytest.raises(ValueError, match=expected):
            labels.indices(np.array(value))
    else:
        assert labels.indices(np.array(value)) == expected


@pytest.mark.parametrize("name", ["fruit_of1_of1", "fruit_of4_of1", "fruit_of1_of2"])
def test_images_of_one_and_four_channels_and_sixteen_bits(name):
    images, labels = load_images(open_split(f"tfds:{name}", "train"), 4)
    assert (images == images[:, :1, :1, :1]).all()
    values = images[:, 0, 0, 0]
    assert sorted(values) == list(range(0, 240, 20))
    np.testing.assert_array_equal(labels, values // 20 % 3)


def test_float_images_are_refused_by_name(tried):
    with pytest.raises(ValueError, match=r"uint8 or uint16.*fruit_floats with .*float32$") as error:
        open_split("tfds:fruit_floats", "train")
    tried("images", "a TFDS data set of float32 images", error.value)


def test_array_record_files_are_read_too(tmp_path, tried):
    features, example = DATA_SETS["FruitHalfLabelled"]
    builder = _builder("FruitRecords", features, example)
    builder(data_dir=tmp_path, file_format="array_record").download_and_prepare()
    plain = open_split("tfds:fruit_half_labelled", "train")
    split = open_split(f"tfds:{tmp_path}", "train")
    assert (split.size, split.left_out) == (9, {"unlabelled": 3})
    images, labels = load_images(split, 8)
    np.testing.assert_array_equal(labels, images[:, 0, 0, 0] // 20 % 3)
    assert sorted(images[:, 0, 0, 0]) == sorted(load_images(plain, 8)[0][:, 0, 0, 0])
    half = open_split(f"tfds:{tmp_path}", "train[:50%]")
    np.testing.assert_array_equal(load_images(half, 8)[0], images[: half.size])
    tried("files", "a TFDS data set of array_record files", "read")


def test_damaged_record_files_end_in_one_line(tmp_path, tried):
    features, example = DATA_SETS["FruitImages"]
    _builder("FruitDamaged", features, example)(data_dir=tmp_path).download_and_prepare()
    (file,) = tmp_path.rglob("*train.tfrecord*")
    file.write_bytes(file.read_bytes()[:-30])
    with pytest.raises(OSError, match=r"cannot be read: .*Received: tfds:fruit_damaged") as error:
        open_split(f"tfds:{tmp_path}", "train")
    assert "[[" not in str(error.value)
    assert "{{" not in str(error.value)
    tried("files", "a TFDS record file that was cut", error.value)


def test_coarse_classes_of_some_classes_are_passed_over(tmp_path):
    assert open_split("tfds:fruit_shades", "train", data_dir=tmp_path).coarse_names == COARSE
    split = open_split("tfds:fruit_shades", "train", ("fig", *COARSE), data_dir=tmp_path)
    assert split.coarse_names == {}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no_such_data_set", r"no such data set .*Received: tfds:no_such_data_set$"),
        ("fruit_images:9.9.9", r"no such data set .*9\.9\.9.*Received: tfds:fruit_images:9"),
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
        open_split("tfds:fruit_images", split)
