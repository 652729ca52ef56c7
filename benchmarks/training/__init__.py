"""Throughput, overhead and checkpoints of training."""
