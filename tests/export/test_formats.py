"""The table of formats: what it names exists, and its checks refuse what does not apply."""

import pathlib

import pytest

from keras_crosspool.exporting import formats
from keras_crosspool.exporting.float16.float16_runner import Float16Runner
from keras_crosspool.exporting.format import Format
from keras_crosspool.exporting.runners import Runner, open_runner

_ROWS = {row.name: row for row in formats.FORMATS}


@pytest.mark.parametrize("row", formats.FORMATS, ids=lambda row: row.name)
def test_what_a_row_names_exists(row):
    assert callable(formats.resolve(row.exporter))
    assert issubclass(formats.resolve(row.runner), Runner)
    if row.float16_runner:
        assert issubclass(formats.resolve(row.float16_runner), Float16Runner)
    assert formats.get_format(row.name) is row
    assert formats.format_of(pathlib.Path(f"model{row.suffix}")) is row
    assert row.name in formats.markdown_table()


def test_suffixes_tell_formats_apart():
    assert len({row.suffix for row in formats.FORMATS}) == len(formats.FORMATS)


@pytest.mark.parametrize(
    ("name", "precision", "given", "words"),
    [
        ("tflite", "int4", {}, "tflite is written as float32, float16, dynamic, int8"),
        ("onnx", "dynamic", {}, "Received: precision='dynamic'"),
        (
            "tflite",
            "float32",
            {"calibration_data": "x"},
            "`calibration_data` applies to int8 alone",
        ),
        ("tflite", "dynamic", {"int8_io": True}, "`int8_io` applies to int8 alone"),
        (
            "tflite",
            "int8",
            {"scores": "logit"},
            "`scores` is probabilities or logits. Received: 'logit'",
        ),
        ("tflite", "float32", {"batch_size": -1}, "`batch_size` must be at least 0. Received: -1"),
        ("onnx", "float32", {"batch_size": "2"}, "a whole number. Received: batch_size='2'"),
        ("onnx", "float32", {"opset": 3}, "`opset` must be at least 9. Received: 3"),
        ("openvino", "float32", {"opset": 19}, "`opset` must be at most 18. Received: 19"),
    ],
)
def test_what_does_not_apply_is_refused(name, precision, given, words):
    with pytest.raises(ValueError, match=words):
        _ROWS[name].check(precision, given)


_OTHER = {bool: True, int: 7, str: "something", tuple: ("something",)}
_NOT_APPLYING = [
    pytest.param(row, precision, option, id=f"{row.name}, {precision}, {option.name}")
    for row in formats.FORMATS
    for precision in row.precisions
    for option in row.options
    if option not in row.options_of(precision)
]


@pytest.mark.parametrize(("row", "precision", "option"), _NOT_APPLYING)
def test_an_exporters_function_refuses_what_does_not_apply(tmp_path, row, precision, option):
    """Called directly, as from the command line: no argument is passed over in silence."""
    export = formats.resolve(row.exporter)
    words = f"`{option.name}` applies to .* alone.*Received: `precision={precision}`"
    with pytest.raises(ValueError, match=words):
        export(None, tmp_path / "x", precision, **{option.name: _OTHER[type(option.default)]})


def test_defaults_apply_to_every_precision():
    for row in formats.FORMATS:
        for precision in row.precisions:
            row.check_arguments(precision, **{each.name: each.default for each in row.options})


def test_options_follow_the_precision():
    float32 = {option.name for option in _ROWS["tflite"].options_of("float32")}
    int8 = {option.name for option in _ROWS["tflite"].options_of("int8")}
    assert float32 == {"batch_size", "scores", "input"}
    assert {"batch_size", "int8_io", "calibration_split"} < int8


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["tflite:int8"], [("tflite", "int8")]),
        (["onnx"], [("onnx", "float32"), ("onnx", "float16"), ("onnx", "int8")]),
        (["all"], [(row.name, each) for row in formats.FORMATS for each in row.precisions]),
    ],
)
def test_lists_of_formats(names, expected):
    assert [(row.name, each) for row, each in formats.parse_list(names)] == expected


@pytest.mark.parametrize("names", [[], ["coreml"], ["tflite:int4"]])
def test_unknown_formats_are_refused(names):
    with pytest.raises(ValueError, match="Received"):
        formats.parse_list(names)


def test_missing_packages_are_named():
    row = Format(
        "x",
        ".x",
        "an x",
        ("float32",),
        "x",
        False,
        ("keras", ("no_such", "nor_this")),
        "x",
        "",
        "",
        "",
        (),
    )
    assert row.missing_packages() == ("no_such or nor_this",)


@pytest.mark.parametrize("name", ["nothing.onnx", "notes.txt"])
def test_a_runner_needs_an_artefact(tmp_path, name):
    if name == "notes.txt":
        (tmp_path / name).write_text("hello")
    with pytest.raises(ValueError, match="Received"):
        open_runner(tmp_path / name)


def test_an_artefact_folder_is_no_model_directory(tmp_path):
    for name in ("model", "model.tflite", "x.savedmodel"):
        (tmp_path / name).mkdir()
        assert formats.is_artefact_folder(tmp_path / name) == (name == "x.savedmodel")
        runner = open_runner(tmp_path / name)
        assert runner.name == ("tensorflow" if name == "x.savedmodel" else "keras")
    assert not formats.is_artefact_folder(tmp_path / "y.savedmodel")
