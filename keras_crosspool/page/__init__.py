"""The page: a static folder that runs a model in the browser.

In comes a model, ready for export; out comes a folder with a proven ONNX file, its record, ONNX
Runtime Web and a few files of HTML, CSS and JavaScript. `explained.py` adds the heat map to the
model, `runtime.py` fetches the runtime, `api.py` writes the folder, and `static/` holds what is
copied as it is: to change what a visitor sees, change that.
"""
