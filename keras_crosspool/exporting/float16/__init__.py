"""Runs an artefact's graph as a GPU does that computes a float32 model in float16.

A file, or its bytes, comes in; logits go out, as from any runner, and the magnitudes that each
operator computed. For one more format write a subclass of `Float16Runner` that lists the operators,
and name it in the table of `keras_crosspool.exporting.formats`.
"""
