"""One image with an orientation in each place of a file where software may look for one."""

import io

from PIL import Image, PngImagePlugin

_XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-'
    'syntax-ns#"><rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" '
    'tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
)
KINDS = ("jpeg", "png", "webp", "avif", "tiff")


def turned_images(image):
    """Encodes an image in several ways.

    Args:
        image: `PIL.Image.Image`, RGB.

    Returns:
        Dict of (kind, where the orientation stands) to bytes; it is 6 in all of them, which only
        Exif says with effect.
    """
    files = {}
    for kind in KINDS:
        files[kind, "nowhere"] = _encode(image, kind)
        files[kind, "Exif"] = _encode(image, kind, exif=_exif())
        files[kind, "XMP"] = _encode(image, kind, **_with_xmp(kind))
    files["png", "XMP behind the pixels"] = _with_its_text_last(files["png", "XMP"])
    profile = _exif().tobytes()
    text = f"\nexif\n{len(profile):8}\n{profile.hex()}\n"
    info = PngImagePlugin.PngInfo()
    info.add_text("Raw profile type exif", text, zip=True)
    files["png", "a text of ImageMagick"] = _encode(image, "png", pnginfo=info)
    return files


def _exif():
    """A new one each time: Pillow takes the orientation out of what it saves as AVIF."""
    exif = Image.Exif()
    exif[274] = 6
    return exif


def _with_xmp(kind):
    if kind == "tiff":
        return {"tiffinfo": {700: _XMP.encode()}}
    if kind != "png":
        return {"xmp": _XMP.encode()}
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", _XMP)
    return {"pnginfo": info}


def _encode(image, kind, **options):
    file = io.BytesIO()
    lossless = {"webp": {"lossless": True}, "avif": {"quality": 100}}
    image.save(file, kind, **lossless.get(kind, {}), **options)
    return file.getvalue()


def _with_its_text_last(png):
    start = png.index(b"iTXt") - 4
    stop = start + 12 + int.from_bytes(png[start : start + 4])
    return png[:start] + png[stop:-12] + png[start:stop] + png[-12:]
