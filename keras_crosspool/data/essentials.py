"""Encoded images without their metadata, for images that are readable but for it.

Pillow refuses a whole PNG for a text of more than a megabyte or a wrong checksum of a comment, a
TIFF for an odd tag, an AVIF for a damaged Exif block. What holds the pixels is kept as it is.
"""

import re
import struct
import zlib

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_PIXELS = frozenset((b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"))
_ORIENTATION = 274
_SHORT = 3  # a type of TIFF
# Sizes, compression, layout and colours; TIFF 6.0 and its technical notes.
_TIFF_PIXELS = {
    *(254, 255, 256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 292, 293, 317, 320, 322),
    *(323, 324, 325, 332, 338, 339, 347, 529, 530, 531, 532),
}


def without_metadata(encoded):
    """Leaves out of an encoded PNG, TIFF or AVIF what does not hold its pixels.

    Args:
        encoded: bytes.

    Returns:
        bytes; the same ones if the format is another or its structure is damaged.
    """
    try:
        if encoded.startswith(_PNG_SIGNATURE):
            return _png(encoded)
        if encoded[:4] in (b"II*\0", b"MM\0*"):
            return _tiff(encoded)
    except struct.error:  # an offset or a length leads out of the file
        return encoded
    if encoded[4:8] == b"ftyp":
        return _avif(encoded)
    return encoded


def _png(encoded):
    """The chunks of pixels and an undamaged orientation."""
    kept, start = [_PNG_SIGNATURE], len(_PNG_SIGNATURE)
    while start < len(encoded):
        length, kind = struct.unpack_from(">I4s", encoded, start)
        stop = start + 12 + length
        if kind in _PNG_PIXELS or (kind == b"eXIf" and _is_whole(encoded[start + 4 : stop])):
            kept.append(encoded[start:stop])
        if kind == b"IEND":
            break
        start = stop
    return b"".join(kept)


def _is_whole(chunk):
    return zlib.crc32(chunk[:-4]).to_bytes(4) == chunk[-4:]


def _tiff(encoded):
    """The first directory with the entries of pixels and an undamaged orientation."""
    order = "<" if encoded[:2] == b"II" else ">"
    (start,) = struct.unpack_from(f"{order}I", encoded, 4)
    (count,) = struct.unpack_from(f"{order}H", encoded, start)
    entries = [encoded[start + 2 + 12 * i :][:12] for i in range(count)]
    kept = b"".join(entry for entry in entries if _holds_pixels(entry, order))
    directory = struct.pack(f"{order}H", len(kept) // 12) + kept + bytes(4)  # no next one
    return encoded[:start] + directory + encoded[start + len(directory) :]


def _holds_pixels(entry, order):
    tag, kind, count, value = struct.unpack(f"{order}HHIH2x", entry)
    if tag == _ORIENTATION:
        return (kind, count) == (_SHORT, 1) and 1 <= value <= 8
    return tag in _TIFF_PIXELS


def _avif(encoded):
    """The items as they are, those of Exif under a name that no reader knows."""
    return re.sub(rb"(infe\x02.{7})Exif", rb"\1skip", encoded, flags=re.DOTALL)
