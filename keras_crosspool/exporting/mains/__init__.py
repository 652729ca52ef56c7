"""The commands that export: one a format, and one for all formats that a machine can make.

Flags come in; files and a table of results go out. For one more format write a module like
`export_onnx.py`; `export_all.py` reads the table of formats and needs no change.
"""
