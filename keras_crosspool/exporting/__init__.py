"""Export: files for other runtimes, each compared with the Keras model before it counts as made.

A model directory comes in; an artefact with its record goes out, or nothing. `formats.py` is the
table of formats; each has a folder with its exporter, quantizer, inspection and runner. For one
more format add a folder and a row. `publish.py` and `parity.py` check every format.
"""
