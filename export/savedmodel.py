"""Exports a model directory as a SavedModel folder, proven on real images.

python -m export.savedmodel --model=DIR --output=model.savedmodel
"""

from keras_crosspool.exporting.exporter_main import run_export

if __name__ == "__main__":
    run_export("savedmodel")
