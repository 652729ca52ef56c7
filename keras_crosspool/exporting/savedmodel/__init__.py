"""SavedModel: a folder for TensorFlow Serving and whatever else loads one.

A `Source` comes in; a folder goes out with a signature for float images and one for the bytes of
JPEG and PNG files. `image_reader.py` reads those as evaluation does, in TensorFlow's operators.
"""
