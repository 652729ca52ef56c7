"""Extraction by Apache Beam: the bytes of one process, by workers that check what they join."""

import dataclasses
import pathlib
import shutil

import pytest

pytest.importorskip("apache_beam", exc_type=ImportError)

import apache_beam as beam
from apache_beam.utils.shared import Shared

from keras_crosspool.config.model_use_config import ExtractionConfig
from keras_crosspool.retrieval.beam import _options, extract_with_beam, write_shard
from keras_crosspool.retrieval.extraction import run_extraction


def _contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def config(extraction_arguments, tmp_path):
    options = extraction_arguments | {"output": str(tmp_path / "descriptors")}
    return ExtractionConfig(**options)


@pytest.mark.parametrize(
    "options", [(), ("--direct_running_mode=multi_threading", "--direct_num_workers=3")]
)
def test_the_bytes_of_one_process(config, whole_extraction, options):
    done = extract_with_beam(options, config)
    assert done.computed == 18
    assert done.seconds > 0
    assert done.store.record.images == 18
    assert _contents(pathlib.Path(config.output)) == _contents(whole_extraction)


def test_each_takes_up_what_the_other_began(config, whole_extraction):
    output = pathlib.Path(config.output)
    shutil.copytree(whole_extraction, output)
    for number in (1, 4):
        (output / f"descriptors-{number:05d}.npy").unlink()
    assert extract_with_beam([], config).computed == 4 + 2
    assert _contents(output) == _contents(whole_extraction)
    (output / "descriptors-00002.npy").unlink()
    assert run_extraction(config).computed == 4
    assert _contents(output) == _contents(whole_extraction)
    assert extract_with_beam([], config).computed == 0


def test_images_are_counted_and_no_shard_is_written_twice(config, whole_extraction):
    output = pathlib.Path(config.output)
    shutil.copytree(whole_extraction, output)
    (output / "descriptors-00003.npy").unlink()
    before = {path.name: path.stat().st_ino for path in output.iterdir()}
    pipeline = beam.Pipeline(runner="FnApiRunner", options=_options([]))
    _ = pipeline | beam.Create(range(5)) | beam.Map(write_shard, config, Shared())
    result = pipeline.run()
    (counter,) = result.metrics().query(beam.metrics.MetricsFilter().with_name("images"))[
        "counters"
    ]
    assert counter.result == 4
    assert _contents(output) == _contents(whole_extraction)
    after = {path.name: path.stat().st_ino for path in output.iterdir()}
    assert {name for name in after if after[name] != before.get(name)} == {"descriptors-00003.npy"}


def test_a_worker_refuses_another_record(config, whole_extraction):
    shutil.copytree(whole_extraction, pathlib.Path(config.output))
    with pytest.raises(ValueError, match=r"made with other settings.*shard_size 4, not 2$"):
        write_shard(0, dataclasses.replace(config, shard_size=2), Shared())
    assert _contents(pathlib.Path(config.output)) == _contents(whole_extraction)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--direct_num_worker=2"], r"knows no such .*Received: --direct_num_worker=2$"),
        (["2", "--streaming"], r"knows no such .*Received: 2$"),
        (
            ["--direct_num_workers=two"],
            r"invalid int value: 'two'\. Received: --direct_num_w.*two$",
        ),
        (["--runner=Nowhere"], r"Unexpected pipeline runner: Nowhere"),
        (["--runner=DataflowRunner"], r"Missing required option: project"),
        (["--runner=DataflowRunner", "--state_backend=x"], r"Received: --state_backend=x$"),
    ],
)
def test_pipeline_options_are_refused_before_anything_is_written(config, options, words):
    with pytest.raises(ValueError, match=words):
        extract_with_beam(options, config)
    assert not pathlib.Path(config.output).exists()


def test_a_job_server_may_know_more_options():
    options = _options(["--runner=FlinkRunner", "--state_backend=rocksdb"]).get_all_options(
        retain_unknown_options=True
    )
    assert (options["runner"], options["state_backend"]) == ("FlinkRunner", "rocksdb")
