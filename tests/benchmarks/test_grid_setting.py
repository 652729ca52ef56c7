"""The region-grid benchmark: what a setting means, and a whole run on a few images."""

import json

import numpy as np
import pytest
from PIL import Image

from benchmarks.region_grid import grid_setting

pytestmark = pytest.mark.heavy


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("crops", {"region_mode": "crops"}),
        ("shared@96", {"region_mode": "shared", "region_input_size": 96}),
        ("partial", {"region_mode": "partial", "region_cut": "block3b_add"}),
        ("partial:block2b_add", {"region_mode": "partial", "region_cut": "block2b_add"}),
    ],
)
def test_settings(backbone, setting, expected):
    assert grid_setting.parse(setting, backbone) == expected


def test_agreement_is_the_mean_cosine(tmp_path):
    rng = np.random.default_rng(0)
    grids, crops = rng.normal(size=(2, 5, 3, 3, 8))
    np.save(tmp_path / "a.npy", grids)
    np.save(tmp_path / "b.npy", crops)
    cosines = [
        a @ b / np.linalg.norm(a) / np.linalg.norm(b)
        for a, b in zip(grids.reshape(-1, 8), crops.reshape(-1, 8), strict=True)
    ]
    actual = grid_setting.agreement(tmp_path / "a.npy", tmp_path / "b.npy")
    assert actual == pytest.approx(np.mean(cosines), abs=1e-4)
    assert grid_setting.agreement(tmp_path / "a.npy", tmp_path / "a.npy") == 1


def test_a_run(run_main, copy_images, tmp_path):
    data = copy_images(tmp_path / "data", {"train": 4, "test": 2})
    output = tmp_path / "grid.json"
    done = run_main(
        "benchmarks.region_grid",
        f"--data={data}",
        "--image_size=96",
        "--region_size=64",
        "--grids=5",
        "--settings=crops,shared",
        "--guidance_epochs=1",
        f"--output={output}",
    )
    assert done.returncode == 0, done.stderr
    crops, shared = json.loads(output.read_text())["rows"]
    assert (crops["grid"], crops["setting"], shared["setting"]) == ("5 x 5", "crops", "shared")
    assert crops["cosine_to_crops"] == 1 > shared["cosine_to_crops"] > 0.3
    assert all(row["ms_an_image"] > 0 and row["images"] == 6 for row in (crops, shared))
    assert all(0 <= row["accuracy"] <= 1 for row in (crops, shared))
    with Image.open(output.with_suffix(".png")) as image:
        image.verify()
