"""Opens a page in the browser that tells what is in an image, and shows why.

Drop an image or take a photograph: the page shows the best classes or that it is none of them,
where that came from, the nearest training images, and the time. It is served to this machine alone
by default, and sends nothing elsewhere. An interrupt (Ctrl-C) ends it.

    python -m keras_crosspool.demo --model=model
"""

from keras_crosspool.config.flag_definitions import config_of_flags, define_flags
from keras_crosspool.config.model_use_config import DemoConfig
from keras_crosspool.mains import as_flags, run, wait_until_stopped

define_flags(DemoConfig, __name__)


def main(_):
    from keras_crosspool.demo import page
    from keras_crosspool.demo.answerer import Answerer
    from keras_crosspool.files import scratch_directory
    from keras_crosspool.models.directory import load_model

    config = config_of_flags(DemoConfig)
    page.check_address(config.host, config.port)
    with scratch_directory() as folder:
        page.prepare_gradio(folder / "images")
        model, metadata = load_model(config.model)
        gallery, note = _gallery(config, metadata, folder / "descriptors")
        answerer = Answerer(model, metadata, gallery, config.max_megapixels)
        with page.served(page.build_page(answerer, note), config.host, config.port) as address:
            print(f"open {address} in a browser; Ctrl-C ends it", flush=True)
            wait_until_stopped()


def _gallery(config, metadata, folder):
    """The gallery and no note, or none and why."""
    from absl import logging

    from keras_crosspool.demo.gallery import open_gallery, why_no_gallery

    reason = why_no_gallery(config, metadata)
    if reason is None:
        return open_gallery(config, folder), None
    note = as_flags(reason)
    logging.warning("%s", note)
    return None, note


if __name__ == "__main__":
    run(main, needs="tensorflow")
