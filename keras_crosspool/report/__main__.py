"""Writes a page about a trained model: how well it does, on what, and which classes it mixes up.

One HTML file with all images inside, to send or to print; it needs no network. train writes it as
report.html into the model directory where it validated with a split. This command writes it
anew: measured on another split, with the files that export wrote, or with their latency.

    crosspool report --model=DIR --artefacts=artefacts --output=report.html
"""

from keras_crosspool.config.flag_definitions import config_of_flags, define_flags
from keras_crosspool.config.report_config import ReportConfig
from keras_crosspool.mains import run

define_flags(ReportConfig, __name__)


def main(_):
    import dataclasses

    from keras_crosspool.report.api import report_model
    from keras_crosspool.text import printable

    page = report_model(**dataclasses.asdict(config_of_flags(ReportConfig)))
    size = page.stat().st_size / 1e6
    print(f"{printable(page)}: {size:.2f} MB; open it in a browser")


if __name__ == "__main__":
    run(main, needs="tensorflow")
