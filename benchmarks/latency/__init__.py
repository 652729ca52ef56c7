"""Latency, memory, size and accuracy of artefacts and their Keras model, side by side."""
