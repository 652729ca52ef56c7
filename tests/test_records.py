"""JSON records: what is not of a field's type is refused in words, and never echoed whole."""

import dataclasses
import json
from typing import Annotated, TypedDict

import pytest

from keras_crosspool import records


class Place(TypedDict):
    path: str
    split: str | None


@dataclasses.dataclass(frozen=True)
class Sample:
    name: str
    count: Annotated[int, records.POSITIVE]
    shares: tuple[float, ...]
    place: Place
    kind: Annotated[str, records.one_of(("a", "b"))] = "a"
    limit: Annotated[float, records.Rule("a number above 0", lambda x: x > 0)] | None = None


FIELDS = {"name": "x", "count": 1, "shares": [0.5, 1], "place": {"path": "p", "split": None}}


def test_fields_become_an_instance():
    assert records.from_fields(Sample, FIELDS) == Sample(
        "x", 1, (0.5, 1), {"path": "p", "split": None}
    )
    more = {"kind": "b", "limit": 2, "place": {"path": "p", "split": "s", "more": 1}}
    sample = records.from_json(Sample, json.dumps(FIELDS | more))
    assert (sample.kind, sample.limit, sample.place) == ("b", 2, more["place"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": 3}, "name must be text, not 3"),
        ({"count": 0}, "count must be a whole number of at least 1, not 0"),
        ({"count": 1.0}, "count must be a whole number, not 1.0"),
        ({"count": True}, "count must be a whole number, not true"),
        ({"shares": {}}, "shares must be a list, not an object"),
        ({"shares": [0.5, "x"]}, 'shares[1] must be a number, not "x"'),
        ({"place": []}, "place must be an object, not a list"),
        ({"place": {"path": 1, "split": None}}, "path must be text, not 1"),
        ({"place": {"path": "p", "split": 1}}, "split must be text, not 1"),
        ({"kind": "c"}, 'kind must be one of a, b, not "c"'),
        ({"limit": 0}, "limit must be a number above 0, not 0"),
        ({"colour": 1}, "it has the unknown colour"),
    ],
    ids=str,
)
def test_other_fields_are_refused(change, words):
    with pytest.raises(ValueError) as error:  # noqa: PT011 (compared whole)
        records.from_fields(Sample, FIELDS | change)
    assert str(error.value) == words


def test_missing_fields_are_named():
    with pytest.raises(ValueError, match=r"^it lacks count, shares, place$"):
        records.from_fields(Sample, {"name": "x"})
    with pytest.raises(ValueError, match=r"^place lacks split$"):
        records.from_fields(Sample, FIELDS | {"place": {"path": "p"}})


@pytest.mark.parametrize(
    "value", ["x" * 10**6, -(10**4000), ["y"] * 10**6], ids=["text", "number", "list"]
)
def test_what_is_shown_is_short(value):
    with pytest.raises(ValueError, match="must be") as error:
        records.from_fields(Sample, FIELDS | {"count": value})
    assert len(str(error.value)) < 200


def test_files_name_themselves(tmp_path):
    path = tmp_path / "record.json"
    path.write_text("[1]")
    with pytest.raises(
        ValueError, match=r"^record\.json is damaged: it must be .*; mend it\. Received: /.*\.json$"
    ):
        records.read_record(Sample, path, "mend it")
    path.write_text(json.dumps(FIELDS))
    assert records.read_record(Sample, path, "mend it").name == "x"
    assert records.read_record(dict, path, "mend it") == FIELDS


def test_what_is_written_is_json_for_every_reader(tmp_path):
    names = ["\x1b[31m", "Päron", "\udcff", 'a "b"', "$\\frac{$", "line\nbreak"]
    data = {"scores": {name: float("nan") for name in names}, "most": (1, float("inf"), True)}
    records.write_json(tmp_path / "data.json", data)

    def refuse(constant):
        raise AssertionError(constant)

    read = json.loads((tmp_path / "data.json").read_bytes(), parse_constant=refuse)
    assert read == {"scores": dict.fromkeys(names), "most": [1, None, True]}
