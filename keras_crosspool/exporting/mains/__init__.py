"""The commands that export: one a format, and one for all formats that a machine can make."""
