"""A photograph in, a thumbnail out: a function with a dependency and binary bodies.

POST the photograph. `?size=N` is the longest side of the thumbnail in pixels (128 if missing); a picture that is
already smaller keeps its size. The answer is a JPEG, or a PNG if the picture is transparent. What cannot be done is
answered with 400 and one line that says why.
"""

import io

from PIL import Image, ImageOps, UnidentifiedImageError

SIZE_DEFAULT = 128
SIZE_MAX = 2048

# A small file can claim a huge picture, so the pixels to be decoded are counted first. Ours is the only check: Pillow's
# own looks at the whole picture, although a large JPEG is decoded at a fraction of its size.
PIXELS_MAX = 36_000_000
Image.MAX_IMAGE_PIXELS = None


class BadRequest(Exception):
    """The caller sent something this function cannot use; its text is for the caller."""


def handler(context, event):
    try:
        size = wanted_size(event.fields)
        body, content_type, before, after = thumbnail(as_bytes(event.body), size)
    except BadRequest as error:
        context.logger.warn_with("refused", reason=str(error))
        return context.Response(body=f"{error}\n", content_type="text/plain; charset=utf-8", status_code=400)

    context.logger.info_with("made a thumbnail", before=before, after=after, bytes=len(body))
    return context.Response(body=body, content_type=content_type, status_code=200)


def wanted_size(fields):
    """The longest side asked for, in pixels."""
    text = fields.get("size", str(SIZE_DEFAULT))
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= SIZE_MAX):
        raise BadRequest(f"size must be a whole number from 1 to {SIZE_MAX}, not {text[:40]!r}")
    return int(text[:9])


def as_bytes(body):
    """The body of a photograph is bytes; a body sent as JSON arrives decoded and is no photograph."""
    if not isinstance(body, (bytes, bytearray, memoryview)):
        raise BadRequest("the body is not an image")
    if not body:
        raise BadRequest("the body is empty: send a photograph, for example with curl --data-binary @photo.jpg")
    return body


def thumbnail(photograph, size):
    """Returns (body, content type, size before, size after); the sizes are texts like "512x512"."""
    try:
        image = Image.open(io.BytesIO(photograph))
    except UnidentifiedImageError:
        raise BadRequest("the body is not an image") from None
    except (OSError, SyntaxError, ValueError) as error:
        raise BadRequest(f"the image cannot be read: {error}") from None

    before = f"{image.width}x{image.height}"
    image.draft(None, (size * 2, size * 2))  # a JPEG can be decoded at a half, a quarter or an eighth
    if image.width * image.height > PIXELS_MAX:
        raise BadRequest(f"the image has {before} pixels, which is too many")

    try:
        image = ImageOps.exif_transpose(image)  # a phone writes the rotation down instead of turning the picture
        transparent = image.has_transparency_data
        image = image.convert("RGBA" if transparent else "RGB")
    except (OSError, SyntaxError, ValueError) as error:
        raise BadRequest(f"the image is damaged: {error}") from None
    image.thumbnail((size, size))

    out = io.BytesIO()
    if transparent:
        image.save(out, "PNG", optimize=True)
    else:
        image.save(out, "JPEG", quality=85, optimize=True)
    content_type = "image/png" if transparent else "image/jpeg"
    return out.getvalue(), content_type, before, f"{image.width}x{image.height}"
