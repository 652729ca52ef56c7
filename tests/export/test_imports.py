"""What importing the runners costs: they are timed and measured in processes of their own."""

import subprocess
import sys

_HEAVY = ("tensorflow", "keras", "sklearn", "onnx", "onnxruntime", "ai_edge_litert", "openvino")


def test_runners_import_no_runtime():
    runners = "keras_crosspool.exporting.runners"
    code = f"import sys, {runners}; print([m for m in {_HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
