"""Benchmarks, run from a checkout: `python -m benchmarks.latency`; results lie in results/."""
