"""TFLite files opened by MediaPipe Tasks and read by its schema: classes, scores, descriptors."""

import dataclasses
import io
import zipfile

import mediapipe
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as litert_schema
from mediapipe.tasks.metadata import metadata_schema_py_generated as metadata_schema
from mediapipe.tasks.python import BaseOptions, vision

from keras_crosspool.exporting.parity import Comparator
from keras_crosspool.exporting.tflite.exporter import export_tflite
from keras_crosspool.targets import MULTI_LABEL, SINGLE_LABEL
from keras_crosspool.targets.rejection import Rejection

_ANY_SCORE = 1e-9  # zero stands for the threshold of the file
_PRECISIONS = ("float32", "float16", "int8")


@pytest.fixture
def export(small_source, tmp_path):
    """A function that exports the small model unproven: the bytes of the file."""

    def make(precision="float32", source=small_source, **options):
        path = tmp_path / "x.tflite"
        export_tflite(source, path, precision, **options)
        return path.read_bytes()

    return make


def _classified(content, pixels, threshold=_ANY_SCORE):
    """What MediaPipe says of each image: dict, class to score, the best first."""
    options = vision.ImageClassifierOptions(
        base_options=BaseOptions(model_asset_buffer=content), score_threshold=threshold
    )
    with vision.ImageClassifier.create_from_options(options) as classifier:
        results = [classifier.classify(_as_image(each)) for each in pixels]
    return [
        {each.category_name: each.score for each in result.classifications[0].categories}
        for result in results
    ]


def _as_image(pixels):
    return mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=pixels)


def _softmax(logits):
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def _metadata(content):
    """The metadata of a file, by the reader in MediaPipe's wheel."""
    model = litert_schema.ModelT.InitFromPackedBuf(content, 0)
    (entry,) = [each for each in model.metadata if each.name == b"TFLITE_METADATA"]
    buffer = bytes(model.buffers[entry.buffer].data)
    assert metadata_schema.ModelMetadata.ModelMetadataBufferHasIdentifier(buffer, 0)
    return metadata_schema.ModelMetadataT.InitFromPackedBuf(buffer, 0)


def _check_answers(content, comparator, tolerance, pixels=None):
    pixels = comparator.images.pixels if pixels is None else pixels
    found = _classified(content, pixels)
    expected = _softmax(comparator.reference[: len(pixels)])
    names = _class_names(content)
    scores = np.array([[each[name] for name in names] for each in found])
    np.testing.assert_allclose(scores, expected, atol=tolerance)
    best = [next(iter(each)) for each in found]
    clear = np.diff(np.sort(expected, axis=1)[:, -2:])[:, 0] > 2 * tolerance
    assert clear.any()
    assert np.array(best)[clear].tolist() == [names[i] for i in expected[clear].argmax(axis=1)]


def _class_names(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.read("labels.txt").decode().splitlines()


@pytest.mark.parametrize("input", ["float32", "uint8"])
@pytest.mark.parametrize(
    ("precision", "tolerance"), [("float32", 1e-5), ("float16", 2e-3), ("int8", 2e-2)]
)
def test_the_scores_are_those_of_keras(export, small_comparator, precision, tolerance, input):
    content = export(precision, input=input)
    _check_answers(content, small_comparator, tolerance, small_comparator.images.pixels[:8])


@pytest.mark.heavy
@pytest.mark.parametrize("input", ["float32", "uint8"])
@pytest.mark.parametrize(
    ("precision", "tolerance"),
    [("float32", 1e-4), ("float16", 1e-2), ("dynamic", 0.1), ("int8", 0.1)],
)
def test_the_solved_network_says_the_same(exported, comparator, precision, tolerance, input):
    path, record = exported("tflite", precision, ".tflite", input=input)
    assert record.inputs[0]["dtype"] == input
    _check_answers(path.read_bytes(), comparator, tolerance)


def test_logits_come_out_on_demand(export, small_comparator):
    content = export(scores="logits")
    pixels = small_comparator.images.pixels[:4]
    found = _classified(content, pixels, threshold=-1e9)
    names = _class_names(content)
    scores = [[each[name] for name in names] for each in found]
    np.testing.assert_allclose(scores, small_comparator.reference[:4], rtol=1e-4, atol=1e-4)


def test_several_labels_get_a_sigmoid(export, small_source, small_comparator):
    metadata = dataclasses.replace(
        small_source.metadata, task=MULTI_LABEL.name, thresholds=(0.4, *[0.6] * 15)
    )
    content = export(source=dataclasses.replace(small_source, metadata=metadata))
    found = _classified(content, small_comparator.images.pixels[:4])
    names = _class_names(content)
    scores = [[each[name] for name in names] for each in found]
    expected = 1 / (1 + np.exp(-small_comparator.reference[:4]))
    np.testing.assert_allclose(scores, expected, atol=1e-5)
    assert _threshold(content) == pytest.approx(0.4)


def test_an_image_of_none_of_the_classes_gets_no_name(export, small_source, small_comparator):
    probabilities = _softmax(small_comparator.reference).max(axis=1)
    limit = float(np.median(probabilities))
    rejection = Rejection("margin", 0.5, 0.5, least_probability=limit)
    metadata = dataclasses.replace(small_source.metadata, rejection=rejection)
    content = export(source=dataclasses.replace(small_source, metadata=metadata))
    found = _classified(content, small_comparator.images.pixels, threshold=0)
    assert [bool(each) for each in found] == (probabilities >= limit).tolist()
    assert 0 < sum(map(bool, found)) < len(found)


def _threshold(content):
    """The score threshold of a file, `None` without one."""
    (scores,) = _metadata(content).subgraphMetadata[0].outputTensorMetadata
    if not scores.processUnits:
        return None
    (unit,) = scores.processUnits
    assert unit.optionsType == metadata_schema.ProcessUnitOptions.ScoreThresholdingOptions
    return unit.options.globalScoreThreshold


@pytest.mark.parametrize(
    ("rejection", "scores", "expected"),
    [
        (None, "probabilities", None),
        (Rejection("max_logit", 2.5, 0.05), "probabilities", None),
        (Rejection("max_logit", 2.5, 0.05, least_probability=0.3), "probabilities", 0.3),
        (Rejection("max_logit", 2.5, 0.05, least_probability=0.3), "logits", 2.5),
        (Rejection("margin", 2.5, 0.05, least_probability=0.3), "logits", None),
    ],
)
def test_the_threshold_fits_the_scores(export, small_source, rejection, scores, expected):
    metadata = dataclasses.replace(small_source.metadata, rejection=rejection)
    source = dataclasses.replace(small_source, metadata=metadata)
    assert _threshold(export(source=source, scores=scores)) == (
        None if expected is None else pytest.approx(expected)
    )


def test_the_metadata_says_what_goes_in_and_comes_out(export, small_source):
    assert small_source.metadata.task == SINGLE_LABEL.name
    metadata = _metadata(export())
    (graph,) = metadata.subgraphMetadata
    (image,), (scores,) = graph.inputTensorMetadata, graph.outputTensorMetadata
    assert image.content.contentProperties.colorSpace == metadata_schema.ColorSpaceType.RGB
    size = image.content.contentProperties.defaultSize
    assert (size.width, size.height) == (128, 128)
    (unit,) = image.processUnits
    assert (list(unit.options.mean), list(unit.options.std)) == ([0.0], [1.0])
    assert (list(image.stats.min), list(image.stats.max)) == ([0.0], [255.0])
    (labels,) = scores.associatedFiles
    assert labels.name == b"labels.txt"
    assert labels.type == metadata_schema.AssociatedFileType.TENSOR_AXIS_LABELS
    assert b"16 classes" in metadata.description
    assert b"licence" in metadata.license
    assert small_source.sha256.startswith(metadata.version.decode())


def test_bytes_need_no_normalisation(export):
    (image,) = _metadata(export(input="uint8")).subgraphMetadata[0].inputTensorMetadata
    assert not image.processUnits


@pytest.mark.parametrize("precision", _PRECISIONS)
def test_an_embedder_gives_the_descriptor(small_source, small_comparator, tmp_path, precision):
    source = small_source.embedder()
    comparator = Comparator.of(source, small_comparator.images)
    record = export_tflite(source, tmp_path / "x.tflite", precision, comparator)
    assert record.outputs[0]["name"] == "descriptor"
    assert record.parity["metric"] == "nearest_neighbour_accuracy"
    options = vision.ImageEmbedderOptions(
        base_options=BaseOptions(model_asset_path=str(tmp_path / "x.tflite"))
    )
    pixels = comparator.images.pixels[:6]
    with vision.ImageEmbedder.create_from_options(options) as embedder:
        found = [embedder.embed(_as_image(each)).embeddings[0].embedding for each in pixels]
    cosines = np.sum(np.array(found) * comparator.reference[:6], axis=1)
    assert cosines.min() > {"float32": 0.9999, "float16": 0.999, "int8": 0.99}[precision]


def test_two_exports_are_equal(export):
    assert export() == export()
