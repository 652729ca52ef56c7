"""The commands that export: one for a format by its name, and one for all that a machine can make.

Flags come in; files and a table of results go out. Both read the table of formats, so that one more
format changes nothing here.
"""
