"""Plots of what the benchmarks measured, one a file."""
