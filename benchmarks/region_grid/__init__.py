"""Scheme 2 on one grid of regions against one crop at a time."""
