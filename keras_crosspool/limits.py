"""Limits that flags and library share; importing them takes nothing else."""

MAX_MEGAPIXELS = 120.0  # the largest cameras of telephones that are common give 108
