"""Runs an artefact's graph as a GPU does that computes a float32 model in float16.

In comes a file, or its bytes; out come logits, as from any runner, and the magnitudes that each
operator computed. Another format takes a subclass of `Float16Runner` that lists the operators, and
its name in the table of `keras_crosspool.exporting.formats`.
"""
