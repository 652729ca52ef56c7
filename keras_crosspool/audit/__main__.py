"""Finds wrong labels, duplicates, leaks, outliers and useless images in a folder of photographs.

No photograph is changed. The output is a folder with audit.html, a page that shows every finding,
audit.csv, one line a finding, and audit.json, with a score of every label.

    python -m keras_crosspool.audit --data=PHOTOS --output=audit
"""

from keras_crosspool.config.audit_config import AuditConfig
from keras_crosspool.config.flag_definitions import config_of_flags, define_flags
from keras_crosspool.mains import run

define_flags(AuditConfig, __name__)


def main(_):
    import dataclasses
    import pathlib

    from keras_crosspool.audit.api import audit_images
    from keras_crosspool.audit.output import PAGE_FILE
    from keras_crosspool.text import printable

    config = config_of_flags(AuditConfig)
    report = audit_images(**dataclasses.asdict(config))
    for line in str(report).splitlines():
        print(printable(line))
    print(f"next: open {printable(pathlib.Path(config.output) / PAGE_FILE)}, correct the files,")
    print("then: crosspool train --data=" + printable(config.data))


if __name__ == "__main__":
    run(main, needs="tensorflow")
