"""The export commands as scripts of a checkout; their code is keras_crosspool/exporting/mains/."""
