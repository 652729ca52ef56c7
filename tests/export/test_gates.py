"""The gate closes: a damaged model leaves no file under its final name, in any format."""

import numpy as np
import pytest

from keras_crosspool.exporting.artefact import read_artefact
from keras_crosspool.exporting.images import Images
from keras_crosspool.exporting.onnx.exporter import export_onnx
from keras_crosspool.exporting.openvino.exporter import export_openvino
from keras_crosspool.exporting.parity import Comparator, ParityError
from keras_crosspool.exporting.savedmodel.exporter import export_savedmodel
from keras_crosspool.exporting.tensorrt.exporter import export_tensorrt
from keras_crosspool.exporting.tflite.exporter import export_tflite

_FORMATS = [
    pytest.param(export_tflite, "x.tflite", "float32", id="tflite-float32"),
    pytest.param(export_tflite, "x.tflite", "float16", id="tflite-float16"),
    pytest.param(export_tflite, "x.tflite", "dynamic", id="tflite-dynamic"),
    pytest.param(export_tflite, "x.tflite", "int8", id="tflite-int8"),
    pytest.param(export_onnx, "x.onnx", "float32", id="onnx-float32"),
    pytest.param(export_onnx, "x.onnx", "float16", id="onnx-float16"),
    pytest.param(export_onnx, "x.onnx", "int8", id="onnx-int8"),
    pytest.param(export_tensorrt, "x.engine", "float32", id="tensorrt-float32"),
    pytest.param(export_savedmodel, "x.savedmodel", "float32", id="savedmodel-float32"),
    pytest.param(export_openvino, "x.openvino", "float16", id="openvino-float16"),
]


def _perturb(kernel):
    return kernel + 0.3 * kernel.std() * np.random.default_rng(0).normal(size=kernel.shape)


@pytest.fixture(scope="module")
def perturbed(small_source):
    import dataclasses

    import keras

    model = keras.models.clone_model(small_source.model)
    model.set_weights(small_source.model.get_weights())
    layer = model.get_layer("body")
    kernel, bias = layer.get_weights()
    layer.set_weights([_perturb(kernel), bias])
    return dataclasses.replace(small_source, model=model, original=model)


@pytest.mark.parametrize(("export", "name", "precision"), _FORMATS)
def test_perturbed_weights(perturbed, small_comparator, empty_after, export, name, precision):
    with empty_after() as directory, pytest.raises(ParityError, match="nothing was written"):
        export(perturbed, directory / name, precision, small_comparator)


@pytest.mark.parametrize(("export", "name"), [(export_tflite, "x.tflite"), (export_onnx, "x.onnx")])
def test_weights_that_are_no_numbers(
    small_source, small_comparator, damaged, empty_after, export, name
):
    broken = damaged(small_source, "logits", lambda kernel: kernel * np.nan)
    with empty_after() as directory, pytest.raises(ParityError, match="NaN or infinite"):
        export(broken, directory / name, "float32", small_comparator)


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_wrong_preprocessing(small_source, small_comparator, empty_after, precision):
    """The artefact sees red and blue swapped, the reference does not."""

    class Swapped(Comparator):
        reference = small_comparator.reference

    right = small_comparator.images
    images = Images(right.pixels[..., ::-1], right.labels, right.data, right.split)
    with empty_after() as directory, pytest.raises(ParityError):
        export_tflite(
            small_source,
            directory / "x.tflite",
            precision,
            Swapped(images, small_source.model),
        )


def test_an_older_artefact_stays(small_source, perturbed, small_comparator, tmp_path):
    path = tmp_path / "x.tflite"
    older = export_tflite(small_source, path, "float32", small_comparator)
    with pytest.raises(ParityError):
        export_tflite(perturbed, path, "float32", small_comparator)
    assert read_artefact(path).sha256 == older.sha256


def test_int8_says_which_layers_cost_it(perturbed, small_comparator, tmp_path):
    with pytest.raises(ParityError, match=r"Most noise was added by .*small_.*of the signal"):
        export_tflite(perturbed, tmp_path / "x.tflite", "int8", small_comparator)


def test_a_changed_float32_rebuild_is_refused(small_source, perturbed, small_comparator, tmp_path):
    """A half-precision model whose float32 copy computes something else does not pass either."""
    import dataclasses

    from keras_crosspool.exporting.source import Source

    class Rebuilt(Source):
        rebuilt_from = "float16"

    fields = {field.name: getattr(small_source, field.name)
              for field in dataclasses.fields(Source) if field.init}  # fmt: skip
    source = Rebuilt(**fields | {"original": perturbed.model})
    with pytest.raises(ParityError, match="the model as trained against Keras"):
        export_tflite(source, tmp_path / "x.tflite", "float32", small_comparator)


def test_off_is_recorded(perturbed, tmp_path):
    record = export_tflite(perturbed, tmp_path / "x.tflite")
    assert record.parity == {"status": "off"}
    assert read_artefact(tmp_path / "x.tflite").parity == {"status": "off"}
