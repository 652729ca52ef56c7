"""Copies of photographs of five kinds, planted in a folder that shows the originals too."""

import os
import pathlib
import shutil

import numpy as np

KINDS = ("saved again", "half the size", "mirrored", "cropped", "brighter")
_QUALITY, _POOR = 90, 30
_CROP = 0.9  # of both sides
_BRIGHTER = 1.25


def plant_copies(files, data, folder, count, seed=0):
    """Makes a folder of links to the photographs of another one, and of copies among them.

    Args:
        files: sequence of str, the photographs, named from `data` on.
        data: path of the folder.
        folder: path of the folder to make.
        count: int, of copies; the kinds take turns.
        seed: int. Defaults to `0`.

    Returns:
        dict from a pair of the photograph and its copy, in this order, to the kind.
    """
    from PIL import Image

    rng = np.random.default_rng(seed)
    _link(pathlib.Path(data), files, folder)
    planted = {}
    for number, index in enumerate(rng.choice(len(files), count, replace=False)):
        kind = KINDS[number % len(KINDS)]
        source = pathlib.Path(data, files[index])
        name = pathlib.PurePosixPath(files[index]).with_name(f"copy_{number:03d}.jpg").as_posix()
        with Image.open(source) as image:
            changed = _changed(image.convert("RGB"), kind, rng)
        quality = _POOR if kind == KINDS[0] else _QUALITY
        changed.save(folder / name, "jpeg", quality=quality)
        planted[files[index], name] = kind
    return planted


def _link(data, files, folder):
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        os.symlink((data / name).resolve(), folder / name)
    for table in data.glob("*.csv"):
        if table.name != "groups.csv":  # it has no rows for the copies
            shutil.copy(table, folder)


def _changed(image, kind, rng):
    from PIL import Image, ImageOps

    width, height = image.size
    if kind == "half the size":
        return image.resize((width // 2, height // 2), Image.Resampling.BICUBIC)
    if kind == "mirrored":
        return ImageOps.mirror(image)
    if kind == "cropped":
        kept = round(_CROP * width), round(_CROP * height)
        left, top = rng.integers(0, width - kept[0] + 1), rng.integers(0, height - kept[1] + 1)
        return image.crop((left, top, left + kept[0], top + kept[1]))
    if kind == "brighter":
        return Image.fromarray(np.clip(np.asarray(image) * _BRIGHTER, 0, 255).astype("uint8"))
    return image
