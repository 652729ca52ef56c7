"""The Grocery Store data set's TFDS builder, on real images laid out as its authors' archive."""

import functools
import http.server
import shutil
import threading

import pytest
import tensorflow_datasets as tfds

from keras_crosspool.data import open_split
from keras_crosspool.data.grocery_store import GroceryStore, grocery_store_dataset_builder

# Class, its number, coarse class, its number, and folder, as the authors have them.
CLASSES = (
    ("Orange", 16, "Orange", 9, "Fruit/Orange"),
    ("Anjou", 20, "Pear", 13, "Fruit/Pear/Anjou"),
    ("Arla-Standard-Milk", 41, "Milk", 20, "Packages/Milk/Arla-Standard-Milk"),
)
# The authors' split, that of the images, and which of a class they are.
SPLITS = (("train", "train", slice(3)), ("val", "train", slice(3, 5)), ("test", "test", slice(2)))
HEADINGS = (
    "Class Name (str),Class ID (int),Coarse Class Name (str),Coarse Class ID (int),"
    "Iconic Image Path (str),Product Description Path (str)"
)


def _lay_out(images, folder):
    """Copies images of a few classes to where the authors have them, and writes their lists."""
    for split, source, chosen in SPLITS:
        lines = []
        for name, number, _, coarse_number, place in CLASSES:
            target = folder / split / place
            target.mkdir(parents=True)
            for path in sorted((images / source / name).iterdir())[chosen]:
                shutil.copy(path, target)
                lines.append(f"{split}/{place}/{path.name}, {number}, {coarse_number}\n")
        (folder / f"{split}.txt").write_text("".join(lines))
    rows = (f"{a},{b},{c},{d},/icons/{a}.jpg,/words/{a}.txt" for a, b, c, d, _ in CLASSES)
    (folder / "classes.csv").write_text("\n".join([HEADINGS, *rows]))


@pytest.fixture(scope="module")
def archive(grocery, tmp_path_factory):
    """The folder that the authors' archive unpacks to holds a `dataset`; this holds that folder."""
    folder = tmp_path_factory.mktemp("archive")
    _lay_out(grocery, folder / "GroceryStoreDataset-master" / "dataset")
    return folder


class TestAsTFDSTestsItsBuilders(tfds.testing.DatasetBuilderTestCase):
    """Registered, valid keys and features, disjoint splits, the same when read again."""

    DATASET_CLASS = GroceryStore
    SPLITS = {"train": 9, "validation": 6, "test": 6}  # noqa: RUF012
    SKIP_CHECKSUMS = True  # none is registered: the archive follows a branch

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _images(cls, archive):
        cls.EXAMPLE_DIR = archive


@pytest.fixture(scope="module")
def built(archive, tmp_path_factory):
    """A TFDS data folder with the images put there by hand, from which the data set is built."""
    folder = tmp_path_factory.mktemp("tfds")
    shutil.copytree(archive, folder / "downloads" / "manual")
    open_split("tfds:grocery_store", "train", data_dir=folder)
    return folder


def _named(split):
    """Encoded image to the name of its class."""
    encoded = split.encoded(range(split.size))
    return {data: split.class_names[y] for data, y in zip(encoded, split.labels, strict=True)}


@pytest.mark.parametrize(
    ("split", "source", "chosen"),
    [("train", "train", SPLITS[0][2]), ("validation", "train", SPLITS[1][2]),
     ("test", "test", SPLITS[2][2])],
)  # fmt: skip
def test_images_and_names_are_those_of_the_folder(built, grocery, split, source, chosen):
    opened = open_split("tfds:grocery_store", split, data_dir=built)
    expected = {
        path.read_bytes(): name
        for name, *_ in CLASSES
        for path in sorted((grocery / source / name).iterdir())[chosen]
    }
    assert _named(opened) == expected
    assert opened.size == len(expected)


def test_classes_are_the_authors(built, grocery):
    opened = open_split("tfds:grocery_store", "test", data_dir=built)
    assert len(opened.class_names) == len(set(opened.class_names)) == 81
    numbers = {0: "Golden-Delicious", 44: "Oatly-Natural-Oatghurt", 45: "Oatly-Oat-Milk",
               67: "Brown-Cap-Mushroom", 80: "Zucchini"}  # fmt: skip
    numbers |= {number: name for name, number, *_ in CLASSES}
    assert {number: opened.class_names[number] for number in numbers} == numbers
    assert opened.coarse_names.keys() == set(opened.class_names)
    assert len(set(opened.coarse_names.values())) == 43
    mini = open_split(grocery, "test")
    assert {name: opened.coarse_names[name] for name in mini.class_names} == mini.coarse_names


def test_coarse_labels(built):
    builder = tfds.builder("grocery_store", data_dir=built)
    labels = {(int(x["label"]), int(x["coarse_label"])) for x in builder.as_dataset(split="test")}
    assert labels == {(number, coarse_number) for _, number, _, coarse_number, _ in CLASSES}
    assert builder.info.features["coarse_label"].int2str(42) == "Zucchini"


def test_prepared_folder_is_opened_without_its_builder(built):
    named = _named(open_split("tfds:grocery_store", "train+test", data_dir=built))
    opened = open_split(f"tfds:{built / 'grocery_store'}", "train+test")
    assert _named(opened) == named
    assert opened.coarse_names["Anjou"] == "Pear"


@pytest.fixture
def served(archive, tmp_path, monkeypatch):
    """The archive behind the builder's address, on this machine; a folder to serve more from."""
    root = tmp_path / "server"
    shutil.make_archive(root / "master", "zip", archive)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=root)
    monkeypatch.setattr(http.server.SimpleHTTPRequestHandler, "log_message", lambda *_: None)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        address = f"http://127.0.0.1:{server.server_port}/master.zip"
        monkeypatch.setattr(grocery_store_dataset_builder, "_ARCHIVE", address)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        yield root
        server.shutdown()


def test_archive_is_downloaded_where_nothing_is_there_by_hand(served, built, tmp_path):
    opened = open_split("tfds:grocery_store", "train", data_dir=tmp_path / "tfds")
    by_hand = open_split("tfds:grocery_store", "train", data_dir=built)
    assert opened.fingerprint == by_hand.fingerprint


def test_failed_download_ends_in_one_line(served, tmp_path):
    (served / "master.zip").unlink()
    with pytest.raises(OSError, match=r"cannot be prepared: .*404.*Received: tfds:grocery_store$"):
        open_split("tfds:grocery_store", "train", data_dir=tmp_path / "tfds")


def test_another_class_of_the_authors_is_refused(archive, tmp_path):
    manual = tmp_path / "downloads" / "manual"
    shutil.copytree(archive / "GroceryStoreDataset-master", manual / "GroceryStoreDataset")
    classes = manual / "GroceryStoreDataset" / "dataset" / "classes.csv"
    classes.write_text(classes.read_text().replace("Anjou,20", "Damson,20"))
    with pytest.raises(ValueError, match=r"Received: Damson in Pear, in .*csv$"):
        open_split("tfds:grocery_store", "train", data_dir=tmp_path)
