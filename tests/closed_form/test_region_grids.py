"""Region grids on disk: right, kept, and computed anew when anything about them changes."""

import numpy as np
import pytest

from keras_crosspool import build_model
from keras_crosspool.closed_form import region_grids
from keras_crosspool.closed_form.region_grids import default_cache_dir, load_region_grids
from keras_crosspool.data import load_images, open_split


@pytest.fixture(scope="module")
def model(new_model):
    return new_model("scheme2")


def _grids(model, split, folder):
    return load_region_grids(model, split, 128, batch_size=7, cache_dir=folder)


def test_grids_are_those_of_the_layer(model, train_split, tmp_path):
    grids = _grids(model, train_split, tmp_path)
    images, _ = load_images(train_split, 128)
    expected = np.asarray(model.get_layer("region_grid")(images.astype("float32")))
    assert (grids.shape, grids.dtype) == ((18, 3, 3, 1280), np.float16)
    np.testing.assert_allclose(grids, expected, rtol=1e-2, atol=1e-2)
    assert [path.suffix for path in tmp_path.iterdir()] == [".npy"]


def test_grids_are_computed_once_for_the_same_thing(
    model, backbone, train_split, tiny_folder, tmp_path, monkeypatch
):
    first = np.array(_grids(model, train_split, tmp_path))
    monkeypatch.setattr(region_grids, "_compute", None)  # what is not in the cache fails
    # Another model and another opening of the same images.
    again = build_model(backbone, 2, "scheme2", region_size=64, region_stride=32,
                        region_mode="shared")  # fmt: skip
    np.testing.assert_array_equal(_grids(again, open_split(tiny_folder, "train"), tmp_path), first)
    changed = {
        "stride": {"region_size": 64, "region_stride": 16, "region_mode": "shared"},
        "size": {"region_size": 96, "region_stride": 16, "region_mode": "shared"},
        "mode": {"region_size": 64, "region_stride": 32},
    }
    for options in changed.values():
        with pytest.raises(TypeError, match="not callable"):
            _grids(build_model(backbone, 2, "scheme2", **options), train_split, tmp_path)
    with pytest.raises(TypeError, match="not callable"):
        _grids(again, open_split(tiny_folder, "test"), tmp_path)
    again.get_layer("region_grid").network.layers[2].kernel.assign_add(
        np.full((3, 3, 3, 32), 1e-3, "float32")
    )
    with pytest.raises(TypeError, match="not callable"):
        _grids(again, train_split, tmp_path)


def test_nothing_is_kept_of_grids_that_failed(model, train_split, tmp_path, monkeypatch):
    def fails(*_):
        raise OSError("no space left")

    monkeypatch.setattr(type(train_split), "batches", fails)
    with pytest.raises(OSError, match="no space"):
        _grids(model, train_split, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_cache_lies_in_keras_home(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert default_cache_dir() == tmp_path / "keras_crosspool"
