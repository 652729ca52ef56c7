"""Accuracy of the second-order layers, all on the same two feature maps."""
