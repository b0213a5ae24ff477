"""NIfTI files as scanners and software write them, and as they never should be."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlfp.data.readers import read
from mlfp.errors import ScanError

SHAPE = (5, 6, 7)


def pixels(shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    return np.arange(np.prod(shape), dtype=np.int16).reshape(shape)


def save(path: Path, data: np.ndarray, affine: np.ndarray | None = None) -> Path:
    nib.save(nib.Nifti1Image(data, np.diag([2.0, 3.0, 4.0, 1.0]) if affine is None else affine), path)
    return path


def altered(path: Path, change: Callable[[bytearray], None]) -> Path:
    """The file with bytes of its (unpacked, NIfTI-1, little-endian) header changed."""
    content = bytearray(gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes())
    change(content)
    path.write_bytes(gzip.compress(bytes(content)) if path.suffix == ".gz" else bytes(content))
    return path


def put(offset: int, kind: str, *values: float) -> Callable[[bytearray], None]:
    return lambda content: struct.pack_into(f"<{kind}", content, offset, *values)


class TestGood:
    @pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
    def test_pixels_and_affine_are_those_written(self, tmp_path: Path, name: str) -> None:
        volume = read(save(tmp_path / name, pixels()), scan="a")
        assert volume.data.shape == (1, *SHAPE)
        assert volume.data.dtype == np.float32
        assert volume.scan == "a"
        assert volume.spacing == (2.0, 3.0, 4.0)
        np.testing.assert_array_equal(volume.data[0], pixels())

    def test_a_name_that_lies_about_packing_does_no_harm(self, tmp_path: Path) -> None:
        packed = save(tmp_path / "a.nii.gz", pixels())
        np.testing.assert_array_equal(read(packed.rename(tmp_path / "b.nii")).data[0], pixels())
        plain = save(tmp_path / "c.nii", pixels())
        np.testing.assert_array_equal(read(plain.rename(tmp_path / "d.nii.gz")).data[0], pixels())

    @pytest.mark.parametrize("dtype", ["u1", "i1", "<i2", ">i2", "<u2", "<i4", "<f4", ">f4", "<f8"])
    def test_every_real_kind_of_number_in_either_byte_order(self, tmp_path: Path, dtype: str) -> None:
        data = (pixels() % 100).astype(dtype)
        header = nib.Nifti1Header(endianness=">" if dtype.startswith(">") else "<")
        header.set_data_dtype(data.dtype)
        nib.save(nib.Nifti1Image(data, np.eye(4), header), tmp_path / "a.nii")
        assert (tmp_path / "a.nii").read_bytes()[:2] == (b"\0\0" if dtype.startswith(">") else b"\x5c\x01")
        np.testing.assert_array_equal(read(tmp_path / "a.nii").data[0], data)

    def test_nifti_2(self, tmp_path: Path) -> None:
        nib.save(nib.Nifti2Image(pixels(), np.eye(4)), tmp_path / "a.nii.gz")
        np.testing.assert_array_equal(read(tmp_path / "a.nii.gz").data[0], pixels())

    def test_scaled_voxels_are_scaled(self, tmp_path: Path) -> None:
        path = altered(save(tmp_path / "a.nii", pixels()), put(112, "ff", 0.5, 10.0))
        np.testing.assert_allclose(read(path).data[0], pixels() * 0.5 + 10)

    def test_a_last_dimension_of_one_is_no_series(self, tmp_path: Path) -> None:
        assert read(save(tmp_path / "a.nii", pixels((5, 6, 7, 1)))).shape == SHAPE

    def test_voxels_that_are_no_number_become_air(self, tmp_path: Path) -> None:
        data = pixels().astype(np.float32)
        data[0] = np.nan
        assert (read(save(tmp_path / "a.nii", data)).data[0, 0] == 0).all()

    @given(st.permutations([0, 1, 2]), st.tuples(*[st.sampled_from([1, -1])] * 3), st.floats(-0.3, 0.3))
    @settings(deadline=None, max_examples=25)
    def test_any_orientation_becomes_ras_and_keeps_places_in_mm(
        self, tmp_path_factory: pytest.TempPathFactory, order: list[int], signs: tuple[int, ...], tilt: float
    ) -> None:
        affine = np.eye(4)
        for axis, (to, sign) in enumerate(zip(order, signs, strict=True)):
            affine[to, axis], affine[axis, 3] = sign * (2 + axis), 10 * axis - 5
            affine[axis, axis] += 0.0
        affine[0, :3] += tilt * affine[1, :3]
        path = save(tmp_path_factory.mktemp("o") / "a.nii", pixels(), affine)
        volume = read(path)
        turned = nib.as_closest_canonical(nib.load(path))
        assert nib.aff2axcodes(volume.affine) == ("R", "A", "S")
        np.testing.assert_allclose(volume.affine, turned.affine, atol=1e-4)
        np.testing.assert_array_equal(volume.data[0], np.asarray(turned.dataobj))


NAN, INF = float("nan"), float("inf")

HOSTILE = {
    "a dimension of minus five": (put(42, "h", -5), "shape"),
    "thirty thousand cubed voxels": (put(42, "hhh", 30000, 30000, 30000), "claims 30000"),
    "no dimensions": (put(40, "h", 0), "0 dimensions"),
    "eleven dimensions": (put(40, "h", 11), "11 dimensions"),
    "more voxels than bytes": (put(42, "hhh", 100, 100, 100), "cut short"),
    "a series": (lambda content: struct.pack_into("<5h", content, 40, 4, 5, 6, 1, 7), "series"),
    "complex voxels": (put(70, "hh", 32, 64), "complex"),
    "colours": (put(70, "hh", 128, 24), "colours"),
    "an unknown kind of number": (put(70, "hh", 999, 16), "unknown kind"),
    "an affine that is no number": (put(280, "f", NAN), "affine"),
    "an affine that is infinite": (put(280, "f", INF), "affine"),
    "an affine that flattens": (put(280, "ffff", 0, 0, 0, 0), "affine"),
    "an infinite slope": (put(112, "ff", INF, 0), "scales"),
    "a slope that is no number": (put(112, "ff", NAN, 1), "scales"),
    "a slope of 1e38": (put(112, "ff", 1e38, 0), "voxels of"),
    "voxel sizes below zero": (put(80, "f", -2.0), "mm"),
    "voxel sizes that are no number": (put(84, "f", NAN), "mm"),
    "an offset of a terabyte": (put(108, "f", 1e12), "start at byte"),
    "an offset below zero": (put(108, "f", -1), "start at byte"),
    "an offset inside the header": (put(108, "f", 100), "start at byte"),
    "another magic": (lambda content: content.__setitem__(slice(344, 348), b"ni1\0"), "one file"),
    "another size of header": (put(0, "i", 7), "no NIfTI"),
}


class TestHostile:
    @pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
    @pytest.mark.parametrize("case", HOSTILE)
    def test_a_bad_header_is_refused_with_its_file_and_reason(self, tmp_path: Path, case: str, name: str) -> None:
        change, reason = HOSTILE[case]
        path = altered(save(tmp_path / name, pixels()), change)
        if case == "more voxels than bytes" and name.endswith(".gz"):
            path = altered(path, put(42, "hhh", 1000, 1000, 1000))
        with pytest.raises(ScanError, match=reason) as caught:
            read(path)
        assert caught.value.where == str(path)

    def test_a_quaternion_that_is_none_is_refused(self, tmp_path: Path) -> None:
        def change(content: bytearray) -> None:
            struct.pack_into("<hh", content, 252, 1, 0)  # qform_code, sform_code
            struct.pack_into("<fff", content, 256, 5.0, 5.0, 5.0)

        with pytest.raises(ScanError, match="no rotation"):
            read(altered(save(tmp_path / "a.nii", pixels()), change))

    @pytest.mark.parametrize("keep", [0, 5, 100, 347, 351, 0.5, 0.95])
    @pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
    def test_a_file_cut_short_is_refused(self, tmp_path: Path, name: str, keep: float) -> None:
        path = save(tmp_path / name, np.random.default_rng(0).integers(0, 999, (20, 20, 20)).astype(np.int16))
        content = path.read_bytes()
        path.write_bytes(content[: int(keep * len(content)) if isinstance(keep, float) else keep])
        with pytest.raises(ScanError, match=r"cut short|damaged|no NIfTI|is empty"):
            read(path)

    def test_a_flipped_bit_in_packed_voxels_is_refused(self, tmp_path: Path) -> None:
        path = save(tmp_path / "a.nii.gz", np.random.default_rng(0).integers(0, 999, (20, 20, 20)).astype(np.int16))
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 0x10
        path.write_bytes(bytes(content))
        with pytest.raises(ScanError, match="damaged"):
            read(path)

    def test_nothing_but_nan_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ScanError, match="none of its voxels"):
            read(save(tmp_path / "a.nii", np.full(SHAPE, np.nan, dtype=np.float32)))

    @pytest.mark.parametrize("value", [np.inf, -np.inf, 1e30])
    def test_voxels_too_large_to_square_are_refused(self, tmp_path: Path, value: float) -> None:
        data = pixels().astype(np.float32)
        data[1, 2, 3] = value
        with pytest.raises(ScanError, match="voxels of"):
            read(save(tmp_path / "a.nii", data))

    @given(st.binary(max_size=700))
    @settings(deadline=None, max_examples=60)
    def test_any_bytes_at_all_are_refused_in_words(self, tmp_path_factory: pytest.TempPathFactory, junk: bytes) -> None:
        path = tmp_path_factory.mktemp("junk") / "a.nii.gz"
        path.write_bytes(junk)
        with pytest.raises(ScanError):
            read(path)

    @given(st.integers(0, 347), st.integers(0, 255))
    @settings(deadline=None, max_examples=150)
    def test_any_one_byte_of_the_header_is_read_or_refused_in_words(
        self, tmp_path_factory: pytest.TempPathFactory, place: int, byte: int
    ) -> None:
        path = save(tmp_path_factory.mktemp("byte") / "a.nii", pixels())
        altered(path, lambda content: content.__setitem__(place, byte))
        try:
            volume = read(path)
        except ScanError:
            return
        assert np.isfinite(volume.data).all()
        assert np.isfinite(volume.affine).all()
        assert min(volume.spacing) > 0


def test_a_missing_file_a_folder_and_another_format_say_so(tmp_path: Path) -> None:
    with pytest.raises(ScanError, match="no such file"):
        read(tmp_path / "no.nii")
    with pytest.raises(ScanError, match="folder"):
        read(tmp_path)
    (tmp_path / "a.dcm").write_bytes(b"x")
    with pytest.raises(ScanError, match="no format that is read"):
        read(tmp_path / "a.dcm")
