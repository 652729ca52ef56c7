"""Does what extract does on a cluster: Apache Beam spreads the shards over the workers of a runner.

Takes the flags of extract, and after a lone -- the pipeline options of Beam: the runner (Dataflow,
Flink, Spark, or this machine alone, which is the default) and what that runner takes. Model, data
and output must be where all workers see them. The files are those of extract, byte for byte, and
each of the two takes up what the other began.

    python -m keras_crosspool.extract_beam --model=model --output=descriptors -- \\
        --direct_running_mode=multi_processing --direct_num_workers=4
"""

from keras_crosspool.mains import run


def main(pipeline_options):
    from keras_crosspool.retrieval import flags as extraction_flags
    from keras_crosspool.retrieval.beam import extract_with_beam

    done = extract_with_beam(pipeline_options, extraction_flags.extraction_config())
    extraction_flags.print_extraction(done)


if __name__ == "__main__":
    run(
        main,
        positional="PIPELINE_OPTION",
        needs="tensorflow",
        flag_module="keras_crosspool.retrieval.flags",
    )
