"""The report of a trained model: one HTML page, as train writes it and `crosspool report` does.

A model, its `ModelMetadata` and its logits on a split come in; a page goes out. `facts.py` says in
words what is known of a model, `measured.py` what a split shows, `look_alikes.py` which classes are
mixed up and why, `artefacts.py` and `latency.py` read records of export and of the benchmark. Each
section of `page.py` draws one of them, curves by `chart.py`. For one more section gather its facts
in a module of its own, give `ModelReport` a field, and write the section in a module that `page.py`
calls.
"""
