"""Descriptors in bulk on a cluster: the shards of an extraction, mapped by Apache Beam."""

import argparse
import time

from keras_crosspool.retrieval.extraction import Extraction
from keras_crosspool.retrieval.job import ExtractionJob
from keras_crosspool.retrieval.store import open_descriptors

# Their job servers take options of their own, such as --state_backend, which Beam passes on.
_WITH_JOB_SERVER = ("FlinkRunner", "PortableRunner", "SparkRunner")


def extract_with_beam(pipeline_options, config):
    """Does what `extract` does, the missing shards spread over the workers of a Beam runner.

    This process checks everything and writes record and index; each worker process opens model and
    data once and refuses to work where they are not those of the record. So model, data and output
    must be in a place that all of them see under one path. The files are those of `extract`, byte
    for byte, and each of the two takes up what the other began.

    Args:
        pipeline_options: list of str, Beam's own, such as `["--runner=FlinkRunner"]`.
        config: `ExtractionConfig`.

    Returns:
        An `Extraction`, whose seconds are those of the whole pipeline with the workers' start.

    Raises:
        ImportError: if Apache Beam is not installed.
        ValueError: as `extract` does, and for options that Beam does not take.
        ChildProcessError: if the pipeline fails; the shards that were written stay.
    """
    beam = _import_beam()
    from apache_beam.utils.shared import Shared

    pipeline = beam.Pipeline(options=_options(pipeline_options))
    job = ExtractionJob(config)
    job.begin()
    missing = job.missing()
    start = time.perf_counter()
    if missing:
        shards = pipeline | beam.Create(missing) | beam.Reshuffle()
        _ = shards | "WriteShard" >> beam.Map(write_shard, config, Shared())
        _run(pipeline)
    seconds = time.perf_counter() - start
    computed = sum(job.record.shards[number] for number in missing)
    return Extraction(open_descriptors(job.output), computed, seconds)


def write_shard(number, config, shared):
    """Writes one shard in a worker, and counts its images as Beam's metric `images`.

    Args:
        number: int.
        config: `ExtractionConfig`.
        shared: `apache_beam.utils.shared.Shared` that holds the job of this process.
    """
    from apache_beam.metrics import Metrics

    job = shared.acquire(lambda: _joined(config))
    # Where a runner gives work out again, after a worker was lost, some of it is done.
    if number not in job.missing():
        return
    for count in job.write([number]):
        Metrics.counter("extract", "images").inc(count)


def _joined(config):
    job = ExtractionJob(config)
    job.join()
    job.warm_up()
    return job


def _import_beam():
    try:
        import apache_beam
    except ImportError as error:
        raise ImportError(
            "Apache Beam is not installed. Run `pip install keras_crosspool[beam]`, or use "
            f"keras_crosspool.extract, which needs none. Received: {error}"
        ) from error
    return apache_beam


def _run(pipeline):
    try:
        pipeline.run().wait_until_finish()
    except RuntimeError as error:  # it holds the worker's traceback as text
        reason = str(error).strip().rpartition("\n")[2]
        raise ChildProcessError(
            "The pipeline failed; the shards that were written stay, and the same command goes on "
            f"from there. Received: {reason}"
        ) from error


def _options(arguments):
    """The options of a pipeline; unlike Beam, which passes over unknown ones, refuses them."""
    from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions

    # Beam's DirectRunner would first download a runner in Go; this one is part of the package.
    arguments = ["--runner=FnApiRunner", *arguments]
    options = PipelineOptions(arguments)
    unknown = []

    def parse(parser):
        parser.exit_on_error = False
        unknown.extend(parser.parse_known_args(arguments)[1])

    try:
        options.get_all_options(add_extra_args_fn=parse)
    except argparse.ArgumentError as error:
        raise ValueError(
            f"Beam refuses a pipeline option: {error}. Received: {' '.join(arguments[1:])}"
        ) from error
    if unknown and options.view_as(StandardOptions).runner not in _WITH_JOB_SERVER:
        raise ValueError(
            "Beam knows no such pipeline options; they are written --name=value after a lone --. "
            f"Received: {' '.join(unknown)}"
        )
    return options
