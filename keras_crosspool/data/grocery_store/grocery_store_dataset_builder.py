"""The Grocery Store data set as a TFDS builder: photographs of 81 products in 43 coarse classes."""

import csv

import tensorflow_datasets as tfds

_HOMEPAGE = "https://github.com/marcusklasson/GroceryStoreDataset"
_ARCHIVE = f"{_HOMEPAGE}/archive/refs/heads/master.zip"
_ARCHIVE_FOLDER = "GroceryStoreDataset-master"
_CLONE_FOLDER = "GroceryStoreDataset"

_DESCRIPTION = """\
Photographs of fruit, vegetables and packages in grocery stores, taken by smartphone: 81 products,
each in one of 43 coarse classes.
"""
_CITATION = """\
@inproceedings{klasson2019hierarchical,
  title={A Hierarchical Grocery Store Image Dataset with Visual and Semantic Labels},
  author={Klasson, Marcus and Zhang, Cheng and Kjellstr{\\"o}m, Hedvig},
  booktitle={IEEE Winter Conference on Applications of Computer Vision (WACV)},
  year={2019}
}
"""

# Coarse class to classes, both in the order of the data set's own numbers.
_CLASSES = {
    "Apple": ("Golden-Delicious", "Granny-Smith", "Pink-Lady", "Red-Delicious", "Royal-Gala"),
    "Avocado": ("Avocado",),
    "Banana": ("Banana",),
    "Kiwi": ("Kiwi",),
    "Lemon": ("Lemon",),
    "Lime": ("Lime",),
    "Mango": ("Mango",),
    "Melon": ("Cantaloupe", "Galia-Melon", "Honeydew-Melon", "Watermelon"),
    "Nectarine": ("Nectarine",),
    "Orange": ("Orange",),
    "Papaya": ("Papaya",),
    "Passion-Fruit": ("Passion-Fruit",),
    "Peach": ("Peach",),
    "Pear": ("Anjou", "Conference", "Kaiser"),
    "Pineapple": ("Pineapple",),
    "Plum": ("Plum",),
    "Pomegranate": ("Pomegranate",),
    "Red-Grapefruit": ("Red-Grapefruit",),
    "Satsumas": ("Satsumas",),
    "Juice": (
        "Bravo-Apple-Juice",
        "Bravo-Orange-Juice",
        "God-Morgon-Apple-Juice",
        "God-Morgon-Orange-Juice",
        "God-Morgon-Orange-Red-Grapefruit-Juice",
        "God-Morgon-Red-Grapefruit-Juice",
        "Tropicana-Apple-Juice",
        "Tropicana-Golden-Grapefruit",
        "Tropicana-Juice-Smooth",
        "Tropicana-Mandarin-Morning",
    ),
    "Milk": (
        "Arla-Ecological-Medium-Fat-Milk",
        "Arla-Lactose-Medium-Fat-Milk",
        "Arla-Medium-Fat-Milk",
        "Arla-Standard-Milk",
        "Garant-Ecological-Medium-Fat-Milk",
        "Garant-Ecological-Standard-Milk",
    ),
    "Oatghurt": ("Oatly-Natural-Oatghurt",),
    "Oat-Milk": ("Oatly-Oat-Milk",),
    "Sour-Cream": ("Arla-Ecological-Sour-Cream", "Arla-Sour-Cream"),
    "Sour-Milk": ("Arla-Sour-Milk",),
    "Soyghurt": ("Alpro-Blueberry-Soyghurt", "Alpro-Vanilla-Soyghurt"),
    "Soy-Milk": ("Alpro-Fresh-Soy-Milk", "Alpro-Shelf-Soy-Milk"),
    "Yoghurt": (
        "Arla-Mild-Vanilla-Yoghurt",
        "Arla-Natural-Mild-Low-Fat-Yoghurt",
        "Arla-Natural-Yoghurt",
        "Valio-Vanilla-Yoghurt",
        "Yoggi-Strawberry-Yoghurt",
        "Yoggi-Vanilla-Yoghurt",
    ),
    "Asparagus": ("Asparagus",),
    "Aubergine": ("Aubergine",),
    "Cabbage": ("Cabbage",),
    "Carrots": ("Carrots",),
    "Cucumber": ("Cucumber",),
    "Garlic": ("Garlic",),
    "Ginger": ("Ginger",),
    "Leek": ("Leek",),
    "Mushroom": ("Brown-Cap-Mushroom",),
    "Onion": ("Yellow-Onion",),
    "Pepper": ("Green-Bell-Pepper", "Orange-Bell-Pepper", "Red-Bell-Pepper", "Yellow-Bell-Pepper"),
    "Potato": ("Floury-Potato", "Solid-Potato", "Sweet-Potato"),
    "Red-Beet": ("Red-Beet",),
    "Tomato": ("Beef-Tomato", "Regular-Tomato", "Vine-Tomato"),
    "Zucchini": ("Zucchini",),
}


class GroceryStore(tfds.core.GeneratorBasedBuilder):
    """Photographs of fruit, vegetables and packages in grocery stores, taken by smartphone.

    Each image has a `label`, one of 81 products, and a `coarse_label`, one of 43 kinds. The
    splits are the authors': `train`, `validation` and `test`. `info.metadata["coarse_names"]` is
    the coarse class of each class.

    The images come from `downloads/manual/GroceryStoreDataset-master` in TFDS' data folder where
    the authors' archive was unpacked there, or `GroceryStoreDataset` for a clone, and else from
    the archive itself, which is downloaded. The archive follows the repository's branch, so it has
    no lasting checksum, and none is registered. To hold it to the one that it has now, prepare the
    data set with `tfds.download.DownloadConfig(register_checksums=True)`, which writes
    `checksums.tsv` beside this file.

    Reference:
        Klasson, Zhang and Kjellström, "A Hierarchical Grocery Store Image Dataset with Visual and
        Semantic Labels", WACV 2019. MIT licence.
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "The authors' images, labels and splits."}  # noqa: RUF012
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        f"Optional: unpack {_ARCHIVE} here, or clone {_HOMEPAGE}, to build without a download."
    )

    def _info(self):
        coarse_names = {name: coarse for coarse, names in _CLASSES.items() for name in names}
        return tfds.core.DatasetInfo(
            builder=self,
            description=_DESCRIPTION,
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(None, None, 3)),
                    "label": tfds.features.ClassLabel(names=list(coarse_names)),
                    "coarse_label": tfds.features.ClassLabel(names=list(_CLASSES)),
                }
            ),
            supervised_keys=("image", "label"),
            homepage=_HOMEPAGE,
            citation=_CITATION,
            license="MIT",
            metadata=tfds.core.MetadataDict(coarse_names=coarse_names),
        )

    def _split_generators(self, dl_manager):
        folder = _unpacked_by_hand(dl_manager) or _downloaded(dl_manager)
        return {
            "train": self._generate_examples(folder, "train.txt"),
            "validation": self._generate_examples(folder, "val.txt"),
            "test": self._generate_examples(folder, "test.txt"),
        }

    def _generate_examples(self, folder, images):
        names, coarse_names = _names(folder / "classes.csv")
        rows = csv.reader((folder / images).read_text().splitlines(), skipinitialspace=True)
        for path, number, coarse_number in rows:
            labels = {"label": names[number], "coarse_label": coarse_names[coarse_number]}
            yield path, {"image": folder / path, **labels}


def _unpacked_by_hand(dl_manager):
    try:
        manual = dl_manager.manual_dir
    except AssertionError:  # TFDS' word for a folder that is missing or empty
        return None
    folders = (manual / name / "dataset" for name in (_ARCHIVE_FOLDER, _CLONE_FOLDER))
    return next((folder for folder in folders if folder.is_dir()), None)


def _downloaded(dl_manager):
    return dl_manager.download_and_extract(_ARCHIVE) / _ARCHIVE_FOLDER / "dataset"


def _names(path):
    """Name of each class and of each coarse class by its number, all as text."""
    rows = list(csv.DictReader(path.read_text().splitlines()))
    for row in rows:
        name, coarse = row["Class Name (str)"], row["Coarse Class Name (str)"]
        if name not in _CLASSES.get(coarse, ()):
            raise ValueError(
                "The classes are not those of this version of the data set. "
                f"Received: {name} in {coarse}, in {path}"
            )
    return (
        {row["Class ID (int)"]: row["Class Name (str)"] for row in rows},
        {row["Coarse Class ID (int)"]: row["Coarse Class Name (str)"] for row in rows},
    )
