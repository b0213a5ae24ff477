"""PNG and JPEG files, grey or coloured, 8 or 16 bit."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from mlfp.errors import ScanError

_FORMATS = ("PNG", "JPEG")
#: Weights of red, green and blue in what is seen as brightness (ITU-R BT.601, as in Pillow).
_LUMINANCE = np.array([0.299, 0.587, 0.114], dtype=np.float32)


def read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Pixels ``(1, I, J)`` float32, I down the rows, in the file's own numbers; the affine is the identity.

    :raises ScanError: the file cannot be used.
    """
    with _opened(path) as picture:
        try:
            data = _grey(ImageOps.exif_transpose(picture))
        except (OSError, SyntaxError, ValueError) as error:  # Pillow's words for damaged files
            raise ScanError(f"it is damaged: {error}", hints=["Copy or download it again."]) from error
    return np.ascontiguousarray(data)[np.newaxis], np.eye(3)


def _opened(path: Path) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return Image.open(path, formats=_FORMATS)
    except UnidentifiedImageError as error:
        raise ScanError("this is neither PNG nor JPEG, whatever its name says") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ScanError(
            f"it claims more than {Image.MAX_IMAGE_PIXELS} pixels",
            hints=["It is damaged, or should be reduced before."],
        ) from error
    except (SyntaxError, ValueError) as error:
        raise ScanError(f"its header is damaged: {error}", hints=["Copy or download it again."]) from error


def _grey(picture: Image.Image) -> np.ndarray:
    if picture.mode in ("1", "LA", "La"):
        picture = picture.convert("L")
    if picture.mode in ("L", "I", "F") or picture.mode.startswith("I;16"):
        return np.asarray(picture).astype(np.float32)
    pixels = np.asarray(picture.convert("RGB"))
    red = pixels[..., 0]
    if (pixels == red[..., np.newaxis]).all():  # grey, saved as colours
        return red.astype(np.float32)
    return pixels.astype(np.float32) @ _LUMINANCE
