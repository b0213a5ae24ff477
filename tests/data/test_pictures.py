"""PNG and JPEG as grey numbers."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mlfp.data.readers import read
from mlfp.errors import ScanError


def grey(high: int = 256) -> np.ndarray:
    return np.random.default_rng(0).integers(0, high, (7, 9))


def test_eight_bit_keeps_its_numbers_and_rows_come_first(tmp_path: Path) -> None:
    Image.fromarray(grey().astype(np.uint8)).save(tmp_path / "a.png")
    volume = read(tmp_path / "a.png")
    assert volume.data.shape == (1, 7, 9)
    assert volume.data.dtype == np.float32
    np.testing.assert_array_equal(volume.data[0], grey())
    np.testing.assert_array_equal(volume.affine, np.eye(3))


def test_sixteen_bit_keeps_its_numbers(tmp_path: Path) -> None:
    Image.fromarray(grey(65536).astype(np.uint16)).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read(tmp_path / "a.png").data[0], grey(65536))


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "P"])
def test_grey_saved_as_something_else_is_the_same_grey(tmp_path: Path, mode: str) -> None:
    Image.fromarray(grey().astype(np.uint8)).convert(mode).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read(tmp_path / "a.png").data[0], grey())


def test_black_and_white_is_0_and_255(tmp_path: Path) -> None:
    Image.fromarray(grey() > 127).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read(tmp_path / "a.png").data[0], np.where(grey() > 127, 255, 0))


def test_colours_become_their_luminance(tmp_path: Path) -> None:
    colours = np.zeros((2, 3, 3), dtype=np.uint8)
    colours[..., 0], colours[..., 2] = 200, 100
    Image.fromarray(colours).save(tmp_path / "a.png")
    np.testing.assert_allclose(read(tmp_path / "a.png").data, 0.299 * 200 + 0.114 * 100, rtol=1e-5)


def test_jpeg_is_read_as_it_is_shown(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by a quarter
    Image.fromarray(grey().astype(np.uint8)).save(tmp_path / "a.jpg", exif=exif)
    assert read(tmp_path / "a.jpg").shape == (9, 7)


def test_a_damaged_or_misnamed_picture_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 90)).astype(np.uint8)).save(path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ScanError, match="damaged") as caught:
        read(path)
    assert caught.value.where == str(path)
    path.write_bytes(b"GIF89a, it says")
    with pytest.raises(ScanError, match="neither PNG nor JPEG"):
        read(path)


def test_a_picture_that_claims_to_be_huge_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 0, 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(b"\0" * 100)), chunk(b"IEND", b""))
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    with pytest.raises(ScanError, match="claims more than"):
        read(tmp_path / "a.png")
