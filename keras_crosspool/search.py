"""Finds the images most like a query among the descriptors that extract wrote.

Similarity is the cosine of the descriptors as they are kept; every one is compared. The vote tells
which classes the neighbours are of. It is no classifier: predict knows what sets the classes apart.

    python -m keras_crosspool.search --descriptors=descriptors --model=model image.jpg
"""

from keras_crosspool.config.flag_definitions import config_of_flags, define_flags
from keras_crosspool.config.model_use_config import SearchConfig
from keras_crosspool.mains import run

_MOST_AT_ONCE = 32  # queries in one batch

define_flags(SearchConfig, __name__)


def main(paths):
    from keras_crosspool.environment import prepare_keras
    from keras_crosspool.evaluation import plots
    from keras_crosspool.files import atomic_path, check_not_an_input
    from keras_crosspool.models.directory import own_splits
    from keras_crosspool.records import write_json
    from keras_crosspool.retrieval import open_descriptors
    from keras_crosspool.retrieval.contact_sheet import neighbour_images, plot_contact_sheet
    from keras_crosspool.retrieval.descriptor_model import DescriptorModel
    from keras_crosspool.retrieval.query import search_images

    config = config_of_flags(SearchConfig)
    if not paths:
        raise ValueError(
            "Expected images: search --descriptors=DIR --model=DIR IMAGE... Received: none"
        )
    for output in (config.json, config.contact_sheet):
        check_not_an_input(output, paths, [config.model, config.descriptors])
    if config.contact_sheet:
        prepare_keras("tensorflow")
        plots.check_image_format(config.contact_sheet)
    store = open_descriptors(config.descriptors)
    descriptor_model = DescriptorModel(config.model, batch_size=min(len(paths), _MOST_AT_ONCE))
    queries = search_images(
        store, descriptor_model, paths, config.nearest, **config.image_options()
    )
    if config.json:
        write_json(config.json, [query.to_dict() for query in queries])
    if config.contact_sheet:
        splits = own_splits(config.model)
        images = neighbour_images(store, queries, config.data, config.max_megapixels, splits)
        with atomic_path(config.contact_sheet) as path:
            plot_contact_sheet(queries, images, path)
    _print(queries)


def _print(queries):
    from keras_crosspool.tables import print_table
    from keras_crosspool.text import printable

    for query in queries:
        print(printable(query.path))
        print_table(
            ["rank", "similarity", "class", "image"],
            [
                (
                    str(rank),
                    f"{found.similarity:.3f}",
                    ", ".join(found.entry.classes),
                    found.entry.image,
                )
                for rank, found in enumerate(query.neighbours, 1)
            ],
        )
        votes = [f"{v.class_name} {v.votes} (mean {v.similarity:.3f})" for v in query.votes]
        print(printable(f"votes: {', '.join(votes)}"))


if __name__ == "__main__":
    run(main, positional="IMAGE", needs="keras")
