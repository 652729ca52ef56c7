"""HEIC files as a phone writes them: the pixels as they were read from the sensor, and a turn.

The encoder of `pillow_heif` writes no turn, so it is put into its file here.
"""

import io
import struct

import pillow_heif
from PIL import Image

# The properties that turn an image as an Exif orientation does: `irot`, quarters against the clock,
# and then `imir`, 0 for upside down and 1 for left to right (ISO/IEC 23008-12, 6.5.10 and 6.5.12).
_TURNS = {2: (0, 1), 3: (2, None), 4: (0, 0), 5: (1, 0), 6: (3, None), 7: (3, 0), 8: (1, None)}


def heic(pixels, orientation=1, in_exif=True):
    """The bytes of a HEIC file.

    Args:
        pixels: uint8 `(height, width, 3)`, as they are stored.
        orientation: int, of Exif, how a viewer turns them. Defaults to `1`, not at all.
        in_exif: bool, whether its Exif says it too, as phones do. Defaults to `True`.
    """
    exif = Image.Exif()
    if in_exif:
        exif[274] = orientation
    pillow_heif.register_heif_opener()
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "heif", exif=exif, quality=95)
    return _turned(file.getvalue(), *_TURNS[orientation]) if orientation > 1 else file.getvalue()


def _turned(encoded, quarters, axis):
    """The file with the properties of a turn, which are appended to those of its first image."""
    boxes = [_box(b"irot", bytes([quarters]))] if quarters else []
    boxes += [_box(b"imir", bytes([axis]))] if axis is not None else []
    added = sum(map(len, boxes)) + len(boxes)  # a byte each where they are listed

    def changed(name, content):
        if name == b"meta":
            return content[:4] + _mapped(content[4:], changed)
        if name == b"iprp":
            return _mapped(content, changed)
        if name == b"ipco":
            return content + b"".join(boxes)
        if name == b"ipma":
            count = content[10]
            new = range(count + 1, count + 1 + len(boxes))
            return content[:10] + bytes([count + len(boxes)]) + content[11:] + _essential(new)
        return _moved(content, added) if name == b"iloc" else content

    return _mapped(encoded, changed)


def _mapped(boxes, change):
    """Boxes side by side whose contents are changed by a function of name and content."""
    result, start = b"", 0
    while start < len(boxes):
        size, name = struct.unpack_from(">I4s", boxes, start)
        result += _box(name, change(name, boxes[start + 8 : start + size]))
        start += size
    return result


def _box(name, content):
    return struct.pack(">I4s", 8 + len(content), name) + content


def _essential(numbers):
    return bytes(0x80 | number for number in numbers)


def _moved(locations, by):
    """The table of where the data of items lie, `by` bytes further on."""
    head, row = struct.Struct(">IBBH"), struct.Struct(">HHIHII")
    rows = [
        (item, source, offset + by, *rest)
        for item, source, offset, *rest in row.iter_unpack(locations[head.size :])
    ]
    return locations[: head.size] + b"".join(row.pack(*each) for each in rows)
