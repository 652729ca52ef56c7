"""The work of an extraction: every shard by itself, in any order, to the same bytes."""

import numpy as np
import pytest

from keras_crosspool.config.model_use_config import ExtractionConfig
from keras_crosspool.retrieval.job import ExtractionJob
from keras_crosspool.retrieval.store import read_record, shard_path


@pytest.fixture
def begun(extraction_arguments, tmp_path):
    """A function that begins, or joins, a job with some other arguments."""

    def begin(output="descriptors", step=ExtractionJob.begin, **arguments):
        arguments = extraction_arguments | {"output": tmp_path / output} | arguments
        job = ExtractionJob(ExtractionConfig(**arguments))
        step(job)
        return job

    return begin


@pytest.mark.parametrize("order", [(4, 3, 2, 1, 0), (1, 4, 0, 2, 3)])
def test_each_shard_alone_in_any_order(begun, whole_extraction, order):
    jobs = begun(), begun(step=ExtractionJob.join)  # two processes on one folder
    for turn, number in enumerate(order):
        assert sum(jobs[turn % 2].write([number])) == (2 if number == 4 else 4)
    assert jobs[0].missing() == []
    assert {p.name: p.read_bytes() for p in jobs[0].output.iterdir()} == {
        p.name: p.read_bytes() for p in whole_extraction.iterdir()
    }


def test_shards_with_gaps_between_them(begun, whole_extraction):
    job = begun()
    assert list(job.write([0, 1, 3, 4])) == [2, 2, 2, 2, 2, 2, 2]
    assert job.missing() == [2]
    for number in (0, 1, 3, 4):
        np.testing.assert_array_equal(
            np.load(shard_path(job.output, number)), np.load(shard_path(whole_extraction, number))
        )


def test_the_same_from_shards_of_another_size(begun, whole_extraction):
    job = begun(shard_size=6)
    assert len(list(job.write(job.missing()))) == 9
    rows = [np.load(shard_path(job.output, number)) for number in range(3)]
    expected = [np.load(shard_path(whole_extraction, number)) for number in range(5)]
    np.testing.assert_array_equal(np.concatenate(rows), np.concatenate(expected))


def test_a_shard_is_there_when_it_is_whole(begun):
    job = begun()
    batches = job.write([0, 1])
    assert [next(batches), next(batches)] == [2, 2]
    assert job.missing() == [0, 1, 2, 3, 4]
    next(batches)
    assert job.missing() == [1, 2, 3, 4]
    batches.close()
    assert sorted(path.name for path in job.output.iterdir()) == [
        "descriptors-00000.npy", "descriptors.json", "index.csv",
    ]  # fmt: skip


def test_only_its_own_folder_is_joined(begun):
    with pytest.raises(ValueError, match=r"descriptors\.json is missing"):
        begun("never begun", step=ExtractionJob.join)
    job = begun()
    assert read_record(job.output) == job.record
    with pytest.raises(ValueError, match=r"made with other settings.*format packed, not float16$"):
        begun(step=ExtractionJob.join, format="float16")
