"""Formats of extracted descriptors: size, speed and what the search finds."""
