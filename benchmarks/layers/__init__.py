"""Time and memory of the layers alone, under any Keras backend."""
