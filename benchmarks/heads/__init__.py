"""Time and memory of the second-order layers against their published formulations."""
