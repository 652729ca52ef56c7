"""Class names in the index of descriptors come back as they were."""

import numpy as np

from keras_crosspool.retrieval.store import INDEX_FILE, read_index


def test_a_class_with_a_separator_in_its_name_stays_one(store_of, tried):
    classes = [("Orange; navel",), ("bread", "milk"), (), ("[new]",)]
    store = store_of(np.eye(4, 8, dtype="float32"), "float16", classes)
    assert [entry.classes for entry in store.index] == classes
    tried("tables", 'search among descriptors of the class "Orange; navel"', "one class")


def test_an_index_of_older_versions_is_read(tmp_path):
    rows = "image,classes,shard,row\na.jpg,bread;milk,0,0\nb.jpg,[new],0,1\nc.jpg,,0,2\n"
    (tmp_path / INDEX_FILE).write_text(rows)
    found = [entry.classes for entry in read_index(tmp_path)]
    assert found == [("bread", "milk"), ("[new]",), ()]
