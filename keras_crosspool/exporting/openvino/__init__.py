"""OpenVINO: a folder with model.xml and model.bin, for Intel's CPUs, GPUs and NPUs.

A `Source` comes in; its ONNX graph is read by OpenVINO, which writes the folder.
"""
