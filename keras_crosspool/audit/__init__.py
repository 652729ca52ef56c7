"""Audits photographs: wrong labels, duplicates, leaks, outliers, images that are no use.

The name of a folder of images comes in; an `AuditReport` goes out, and on request a folder with
audit.json, audit.csv and audit.html. Start at `api.py`. `looks.py` goes through the images once,
`described.py` through the network once; every further module takes what those found and gives
`Finding` objects of its kinds. For one more kind write such a module, name it in `api.py`, and the
kind in `finding.py`.
"""
