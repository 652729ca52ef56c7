"""Exports a model directory as an OpenVINO folder, proven on real images.

python -m export.openvino --model=DIR --output=model.openvino --precision=float16
"""

from keras_crosspool.exporting.exporter_main import run_export

if __name__ == "__main__":
    run_export("openvino")
