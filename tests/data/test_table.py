"""Tables as spreadsheets write them, and every way in which one can be damaged."""

import pytest
from PIL import Image

from keras_crosspool.data import open_split
from keras_crosspool.data.class_list import join_classes, split_classes
from keras_crosspool.data.table import read_table

TEXT = 'class,coarse_class\nPäron,"Pear, green"\n\nApple,Pome\n'
ROWS = [
    (2, {"class": "Päron", "coarse_class": "Pear, green"}),
    (4, {"class": "Apple", "coarse_class": "Pome"}),
]
COLUMNS = ("class", "coarse_class")


def _read(folder, data):
    path = folder / "classes.csv"
    path.write_bytes(data)
    return read_table(path, COLUMNS, "class")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(tmp_path, encoding, line_end, tried):
    assert _read(tmp_path, TEXT.replace("\n", line_end).encode(encoding)) == ROWS
    tried("tables", f"a table in {encoding} with line ends {line_end!r}", "read")


HEADER = b"class,coarse_class\n"
DAMAGE = {
    "in Latin-1": (TEXT.encode("latin-1"), r"not UTF-8.*Latin-1.*csv, line 2, byte 0xe4$"),
    "in UTF-16 without a byte order mark": ("class".encode("utf-16-le"), r"NUL.*line 1$"),
    "with a NUL character": (HEADER + b"a,b\nc,\0d\n", r"NUL character.*csv, line 3$"),
    "with a missing field": (HEADER + b"a,b\nc\n", r"line 3, 1 fields: c$"),
    "with a field too many": (HEADER + b"a,b,c\n", r"quotes.*line 2, 3 fields: a,b,c$"),
    "with a column twice": (b"class,coarse_class,class\na,b,c\n", r"each once.*csv with class,coa"),
    "without a column": (b"class;coarse_class\na;b\n", r"columns class,coarse.*with class;coarse"),
    "that is empty": (b"", r"needs the columns.*csv with $"),
    "with a row twice": (HEADER + b"a,b\nc,d\na,e\n", r"two rows.*lines 2 and 4: a$"),
    "with a quote that is not closed": (HEADER + b'a,"b\nc,d\n', r"unexpected end.*line 3$"),
    "with a field of 200000 characters": (
        HEADER + b"a," + b"b" * 200_000,
        r"field larger than field limit.*csv, line 2$",
    ),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_damage_is_named_with_file_and_line(tmp_path, kind, tried):
    data, message = DAMAGE[kind]
    with pytest.raises(ValueError, match=message) as error:
        _read(tmp_path, data)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 1000
    tried("tables", f"classes.csv {kind}", error.value)


CLASSES = [
    (), ("bread",), ("bread", "milk"), ("Orange; navel",), ("Orange; navel", "milk"), ("[old]",),
    ('["bread"]',), (" bread",), ("",), ("a,b", 'say "c"'), ("[1]", "x"), ("päron",),
]  # fmt: skip


@pytest.mark.parametrize("classes", CLASSES)
def test_classes_come_back_as_they_were(classes):
    assert split_classes(join_classes(classes)) == classes


def test_ordinary_classes_are_written_as_ever():
    assert join_classes(("bread", "milk")) == "bread;milk"


@pytest.fixture
def folder(tmp_path):
    """Two classes of one image each."""
    for name in ("apple", "pear"):
        (tmp_path / "train" / name).mkdir(parents=True)
        Image.new("RGB", (20, 20)).save(tmp_path / "train" / name / "0.png")
    return tmp_path


def test_coarse_classes_are_checked_when_the_data_is_opened(folder, tried):
    (folder / "classes.csv").write_text("class,coarse_class\napple,pome\npaer,pome\n")
    with pytest.raises(ValueError, match=r"without pear, though rows for others: paer$") as error:
        open_split(folder, "train")
    tried("tables", "classes.csv with a class misspelt", error.value)
    (folder / "classes.csv").write_text("class,coarse_class\napple,pome\npear,\n")
    with pytest.raises(ValueError, match=r"each class its coarse class.*without pear"):
        open_split(folder, "train")


def test_a_label_with_a_separator_in_it(tmp_path, tried):
    (tmp_path / "train").mkdir()
    for index in range(2):
        Image.new("RGB", (20, 20)).save(tmp_path / "train" / f"{index}.png")
    rows = 'file,labels\n0.png,"[""Orange; navel"", ""milk""]"\n1.png,milk;bread\n'
    (tmp_path / "train" / "labels.csv").write_text(rows)
    split = open_split(tmp_path, "train")
    assert split.class_names == ("Orange; navel", "bread", "milk")
    assert split.labels.tolist() == [[1, 0, 1], [0, 1, 1]]
    tried("tables", 'labels.csv with the class "Orange; navel" in a JSON list', "read")
