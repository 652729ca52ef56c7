"""Faults inflicted on real training runs: cases, the laboratory that runs them, and its table."""
