"""Triton's model repository, read by the protobuf of Triton's own client."""

import numpy as np
import onnxruntime
import pytest
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from keras_crosspool.exporting.artefact import Artefact
from keras_crosspool.exporting.onnx.exporter import export_onnx
from keras_crosspool.exporting.tensorrt.exporter import export_tensorrt
from keras_crosspool.exporting.triton import model_config, write_repository
from keras_crosspool.owned_directory import MANIFEST


def _parsed(text):
    return text_format.Parse(text, model_config_pb2.ModelConfig())


def _files(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def _engine(profile):
    """The record of an engine, as TensorRT makes it on a machine with a GPU."""
    fixed = profile[0] if len(set(profile)) == 1 else None
    return Artefact(
        file="x.engine",
        format="tensorrt",
        precision="float16",
        sha256="",
        bytes=6,
        inputs=({"name": "image", "shape": [fixed, 8, 6, 3], "dtype": "float32"},),
        outputs=({"name": "logits", "shape": [fixed, 2], "dtype": "float32"},),
        operators={},
        model={"class_names": ["pear", "plum"]},
        parity={},
        versions={},
        details={"engine": {"profile": dict(zip(("min", "opt", "max"), profile, strict=True))}},
    )


def test_a_repository_of_onnx_with_an_open_batch(small_source, small_comparator, tmp_path):
    output = tmp_path / "groceries.onnx"
    export_onnx(small_source, output, "float32", small_comparator, batch_size=0, triton=True)
    folder = tmp_path / "groceries-triton"
    model = "groceries_onnx"
    names = {f"{model}/{name}" for name in ("config.pbtxt", "labels.txt", "1/model.onnx")}
    assert _files(folder) == names | {MANIFEST}
    assert (folder / model / "1" / "model.onnx").read_bytes() == output.read_bytes()
    labels = (folder / model / "labels.txt").read_text().splitlines()
    assert tuple(labels) == small_source.metadata.class_names

    config = _parsed((folder / model / "config.pbtxt").read_text())
    assert (config.name, config.backend, config.platform) == (
        model,
        "onnxruntime",
        "onnxruntime_onnx",
    )
    assert config.max_batch_size == 32
    assert config.HasField("dynamic_batching")
    assert list(config.input[0].dims) == [128, 128, 3]
    assert list(config.output[0].dims) == [16]
    assert config.output[0].label_filename == "labels.txt"


@pytest.mark.parametrize("batch_size", [0, 1, 3])
def test_tensors_are_those_of_the_file(small_source, tmp_path, batch_size):
    """As ONNX Runtime sees them, and as Triton puts its own batch dimension before them."""
    output = tmp_path / "x.onnx"
    export_onnx(small_source, output, batch_size=batch_size, triton=True)
    config = _parsed((tmp_path / "x-triton" / "x_onnx" / "config.pbtxt").read_text())
    session = onnxruntime.InferenceSession(output, providers=["CPUExecutionProvider"])
    found = [*session.get_inputs(), *session.get_outputs()]
    for tensor, said in zip(found, [*config.input, *config.output], strict=True):
        assert said.name == tensor.name
        assert said.data_type == model_config_pb2.TYPE_FP32
        assert tensor.type == "tensor(float)"
        own = [] if config.max_batch_size == 0 else [None]
        shape = [size if isinstance(size, int) else None for size in tensor.shape]
        assert own + list(said.dims) == shape
    assert (config.max_batch_size > 0) == (batch_size == 0) == config.HasField("dynamic_batching")
    rows = config.max_batch_size or batch_size
    session.run(None, {"image": np.zeros((rows, 128, 128, 3), "float32")})


@pytest.mark.parametrize(
    ("profile", "largest", "preferred", "dims"),
    [((1, 8, 24), 24, [8], [8, 6, 3]), ((4, 4, 4), 0, None, [4, 8, 6, 3])],
)
def test_engines_keep_to_their_profile(profile, largest, preferred, dims):
    config = _parsed(model_config("x", _engine(profile)))
    assert (config.backend, config.platform) == ("tensorrt", "tensorrt_plan")
    assert config.max_batch_size == largest
    assert list(config.input[0].dims) == dims
    if preferred is None:
        assert not config.HasField("dynamic_batching")
    else:
        assert list(config.dynamic_batching.preferred_batch_size) == preferred


def test_both_formats_share_a_repository(small_source, tmp_path):
    export_onnx(small_source, tmp_path / "x.onnx", triton=True)
    engine = tmp_path / "x.engine"
    engine.write_bytes(b"engine")
    write_repository(engine, _engine((1, 8, 24)))
    assert _files(tmp_path / "x-triton") > {"x_onnx/1/model.onnx", "x_tensorrt/1/model.plan"}


def test_an_embedder_has_no_labels(small_source, tmp_path):
    export_onnx(small_source.embedder(), tmp_path / "x.onnx", triton=True)
    folder = tmp_path / "x-triton" / "x_onnx"
    assert _files(folder) == {"config.pbtxt", "1/model.onnx"}
    (output,) = _parsed((folder / "config.pbtxt").read_text()).output
    assert (output.name, output.label_filename) == ("descriptor", "")


def test_a_users_models_stay(small_source, tmp_path):
    mine = tmp_path / "x-triton" / "x_onnx" / "config.pbtxt"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    other = tmp_path / "x-triton" / "other" / "1" / "model.onnx"
    other.parent.mkdir(parents=True)
    other.write_text("mine")
    for _ in range(2):
        export_onnx(small_source, tmp_path / "x.onnx", triton=True)
    assert other.read_text() == "mine"
    assert mine.with_name("config.pbtxt.~1~").read_text() == "mine"
    assert _parsed(mine.read_text()).name == "x_onnx"


@pytest.mark.parametrize("name", ['pä\'r "plum"', "a\\b"])
def test_any_name_can_be_read(name):
    assert _parsed(model_config(name, _engine((1, 8, 24)))).name == name


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"product": "tensorrt_rtx"}, "Triton loads engines of tensorrt: install that"),
        ({"profile": "2/4/8"}, "begin `profile` with 1"),
    ],
)
def test_engines_that_triton_cannot_use_are_refused(
    small_source, empty_after, monkeypatch, options, words
):
    pytest.importorskip("tensorrt_rtx")
    if "profile" in options:
        exporter = "keras_crosspool.exporting.tensorrt.exporter.find_product"
        monkeypatch.setattr(exporter, lambda _: ("tensorrt", None))
    with empty_after() as directory, pytest.raises(ValueError, match=words):
        export_tensorrt(small_source, directory / "x.engine", triton=True, **options)


def test_a_failed_export_writes_no_repository(small_source, small_comparator, damaged, empty_after):
    broken = damaged(small_source, "logits", lambda kernel: kernel * np.nan)
    with empty_after() as directory, pytest.raises(RuntimeError, match="NaN"):
        export_onnx(broken, directory / "x.onnx", "float32", small_comparator, triton=True)


def test_a_file_in_the_way_is_refused_before_any_work(tmp_path):
    (tmp_path / "x-triton").write_text("mine")
    with pytest.raises(ValueError, match=r"a file has its name.*Received: .*x-triton"):
        export_onnx(None, tmp_path / "x.onnx", triton=True)
    assert (tmp_path / "x-triton").read_text() == "mine"
