"""Benchmarks, run from a checkout, a folder a study; their results lie in results/."""
