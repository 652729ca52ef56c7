"""What goes into a TFLite file and comes out: bytes, probabilities, and the versions they need."""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from keras_crosspool.exporting.parity import ParityError
from keras_crosspool.exporting.runners import LiteRTRunner
from keras_crosspool.exporting.tflite import borders, exporter
from keras_crosspool.exporting.tflite.container import parse
from keras_crosspool.exporting.tflite.exporter import convert, export_tflite

_NAMES = {code: name for name, code in vars(schema.BuiltinOperator).items()}


def _operators(content):
    model = parse(content)
    codes = [model.operatorCodes[node.opcodeIndex] for node in model.subgraphs[0].operators]
    return [(_NAMES[code.builtinCode], code.version) for code in codes]


def test_the_network_stays_as_it_was(small_source):
    plain = convert(small_source)
    whole = borders.with_byte_input(borders.with_probabilities(plain, "single_label"))
    first, *network, last = _operators(whole)
    assert (first[0], last[0]) == ("CAST", "SOFTMAX")
    assert network == _operators(plain)
    assert _operators(borders.without_probabilities(whole)) == [first, *network]


def test_nothing_is_printed_on_the_way(small_source, tmp_path, capsys):
    """The quantiser has bars of its own."""
    export_tflite(small_source, tmp_path / "x.tflite", "int8")
    assert capsys.readouterr() == ("", "")


def test_files_of_logits_stay_as_they_are(small_source):
    assert borders.without_probabilities(convert(small_source)) == convert(small_source)


def test_int8_scores_are_steps_of_one_256th(small_source, small_comparator, tmp_path):
    path = tmp_path / "x.tflite"
    record = export_tflite(small_source, path, "int8", small_comparator, int8_io=True)
    assert record.outputs[0].items() >= {"dtype": "int8", "scale": 1 / 256}.items()
    assert _operators(path.read_bytes())[-1] == ("SOFTMAX", 2)  # TensorFlow's op_version.cc
    with LiteRTRunner(path) as runner:
        assert runner.gives_probabilities
        found = runner.run(small_comparator.images.pixels[:4])
    exponentials = np.exp(small_comparator.reference[:4])
    expected = exponentials / exponentials.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found, expected, atol=0.03)


@pytest.mark.parametrize("batch_size", [0, 3])
def test_other_batches_take_bytes_too(small_source, small_comparator, tmp_path, batch_size):
    record = export_tflite(
        small_source,
        tmp_path / "x.tflite",
        "float32",
        small_comparator,
        batch_size=batch_size,
        input="uint8",
    )
    assert (record.inputs[0]["dtype"], record.inputs[0]["shape"][0]) == (
        "uint8",
        batch_size or None,
    )


def test_int8_border_and_bytes_exclude_each_other(small_source, empty_after):
    with empty_after() as directory, pytest.raises(ValueError, match="Received: `input=uint8`"):
        export_tflite(small_source, directory / "x.tflite", "int8", int8_io=True, input="uint8")


def test_a_wrong_last_operator_is_refused(small_source, small_comparator, empty_after, monkeypatch):
    right = borders.with_probabilities
    monkeypatch.setattr(
        exporter.borders, "with_probabilities", lambda content, _: right(content, "multi_label")
    )
    with empty_after() as directory, pytest.raises(ParityError, match="last operator"):
        export_tflite(small_source, directory / "x.tflite", "float32", small_comparator)
