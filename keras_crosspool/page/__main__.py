"""Writes a static page that runs a model in the browser: no server program, no network.

A visitor drops or takes a photograph and sees the best classes, or that it is none of them, and
where the answer comes from. The output is a folder for any static server; browsers do not run it
from file:// addresses.

    crosspool page --model=DIR --output=page
    python -m http.server --directory=page
"""

from keras_crosspool.config.flag_definitions import config_of_flags, define_flags
from keras_crosspool.config.page_config import PageConfig
from keras_crosspool.mains import run

define_flags(PageConfig, __name__)


def main(_):
    import pathlib
    import sys

    from keras_crosspool.exporting.exporter_main import make_comparator, parity_line, quieten_logs
    from keras_crosspool.exporting.formats import get_format
    from keras_crosspool.exporting.parity import ParityError
    from keras_crosspool.exporting.source import load_source
    from keras_crosspool.mains import as_flags
    from keras_crosspool.page.api import check_output, write_page
    from keras_crosspool.page.explained import explained_source
    from keras_crosspool.page.runtime import find_runtime
    from keras_crosspool.text import printable

    quieten_logs()
    config = config_of_flags(PageConfig)
    get_format("onnx").check_installed()
    check_output(config.output)
    source = load_source(config.model, config.image_options())
    explained = explained_source(source)
    runtime = find_runtime(config.runtime)
    comparator = make_comparator(source, config)
    try:
        artefact = write_page(config.output, explained, comparator, runtime, config.precision)
    except ParityError as error:
        sys.exit(f"error: {as_flags(str(error))}")
    files = [path for path in pathlib.Path(config.output).rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files) / 1e6
    print(f"{printable(config.output)}: {len(files)} files, {size:.1f} MB")
    print(f"  parity     {parity_line(artefact)}")
    print(f"next: python -m http.server --directory={printable(config.output)}")


if __name__ == "__main__":
    run(main, needs="backend")
