"""Preparing: what is done once is not done again, and one bad scan spoils nothing."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlfp.data.files import MISSING, keys_of
from mlfp.data.memo import Memo
from mlfp.data.prepare import compact, digest_of, prepare
from mlfp.errors import MlfpError, ParameterError, ScanError, UsageError
from mlfp.types.scan_table import ScanTable
from mlfp.types.volume import Volume


@dataclass
class Made:
    """A data set that makes its scans, and remembers which it was asked for."""

    pixels: Mapping[str, Any]
    version: str = field(default_factory=lambda: uuid.uuid4().hex)  # tests share a cache
    read_scans: list[str] = field(default_factory=list)

    def table(self) -> ScanTable:
        return ScanTable(pd.DataFrame({"scan": list(self.pixels), "subject": list(self.pixels)}), source="made")

    def read(self, row: Mapping[str, Any]) -> Volume:
        self.read_scans.append(row["scan"])
        found = self.pixels[row["scan"]]
        if isinstance(found, Exception):
            raise found
        return Volume(found, scan=row["scan"])

    def key(self, row: Mapping[str, Any]) -> str:
        return f"{row['scan']} {self.version}"


def noise(seed: int, shape: tuple[int, ...] = (1, 6, 6)) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


class TestOnce:
    def test_a_second_time_reads_no_file(self, write_scans, manifest, chain, monkeypatch) -> None:
        dataset, steps = manifest(write_scans()), chain("zscore")
        first = prepare(dataset, steps)
        monkeypatch.setattr("mlfp.data.readers.read", lambda *_, **__: pytest.fail("a scan was read again"))
        monkeypatch.setattr("mlfp.data.files._hash", lambda *_: pytest.fail("a file was hashed again"))
        second = prepare(dataset, chain("zscore"))
        assert first.digest == second.digest == digest_of(dataset, dataset.table(), steps)
        np.testing.assert_array_equal(first.arrays(range(8)), second.arrays(range(8)))

    def test_a_changed_file_is_prepared_again_and_changes_the_digest(self, write_scans, manifest, chain) -> None:
        path = write_scans()
        dataset = manifest(path)
        before = prepare(dataset, chain())
        file = path.parent / "volumes/S0_0.nii.gz"
        file.write_bytes((path.parent / "volumes/S3_1.nii.gz").read_bytes())
        os.utime(file, ns=(1, 1))
        after = prepare(dataset, chain())
        assert before.digest != after.digest
        np.testing.assert_array_equal(after.arrays([0]), before.arrays([7]))
        np.testing.assert_array_equal(after.arrays(range(1, 8)), before.arrays(range(1, 8)))

    def test_another_chain_parameter_or_version_of_the_data_prepares_again(self, chain) -> None:
        data = Made({"a": noise(0), "b": noise(1)})
        prepare(data, chain({"use": "pad", "shape": 4}))
        prepare(data, chain({"use": "pad", "shape": 5}))
        prepare(data, chain({"use": "pad", "shape": 5.0}))
        assert len(data.read_scans) == 4
        data.version = "2"
        prepare(data, chain({"use": "pad", "shape": 5}))
        assert len(data.read_scans) == 6

    def test_a_damaged_or_lost_cache_file_is_prepared_again(self, chain) -> None:
        data = Made({"a": noise(0), "b": noise(1)})
        scans = prepare(data, chain())
        scans.files[0].write_bytes(b"")
        scans.files[1].unlink()
        again = prepare(data, chain())
        np.testing.assert_allclose(again.arrays([0, 1]), np.stack([noise(0), noise(1)]), atol=1e-3)

    def test_a_scan_of_the_same_content_under_another_id_is_its_own(self, chain) -> None:
        # What is drawn at random is seeded by the id.
        moved = chain({"use": "move", "rotate": 30, "shift": 2})
        content = noise(0)
        scans = prepare(Made({"a": content, "b": content}), moved)
        assert not np.array_equal(*scans.arrays([0, 1]))

    def test_the_digest_does_not_depend_on_the_order_of_rows_or_the_place_of_files(
        self, write_scans, manifest, chain, tmp_path
    ) -> None:
        path = write_scans()
        dataset = manifest(path)
        table = dataset.table()
        digest = digest_of(dataset, table, chain())
        assert digest_of(dataset, table.select(np.arange(len(table))[::-1]), chain()) == digest
        assert digest_of(dataset, table.select(np.arange(len(table) - 1)), chain()) != digest
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "volumes").rename(tmp_path / "elsewhere/volumes")
        path.rename(tmp_path / "elsewhere/scans.csv")
        elsewhere = manifest(tmp_path / "elsewhere/scans.csv")
        assert digest_of(elsewhere, elsewhere.table(), chain()) == digest


class TestFailures:
    def test_a_bad_scan_is_reported_and_the_others_are_kept(self, write_scans, manifest, chain) -> None:
        path = write_scans()
        (path.parent / "volumes/S1_0.nii.gz").write_bytes(b"junk")
        (path.parent / "volumes/S2_1.nii.gz").unlink()
        scans = prepare(manifest(path), chain("zscore"))
        assert len(scans) == 6
        assert [(item.scan, item.subject) for item in scans.failures] == [
            ("volumes/S1_0.nii.gz", "S1"),
            ("volumes/S2_1.nii.gz", "S2"),
        ]
        assert "cut short" in scans.failures[0].reason
        assert "no such file" in scans.failures[1].reason

    def test_a_pipe_keeps_nobody_waiting(self, write_scans, manifest, chain) -> None:
        path = write_scans()
        (path.parent / "volumes/S1_0.nii.gz").unlink()
        os.mkfifo(path.parent / "volumes/S1_0.nii.gz")
        assert "no such file" in prepare(manifest(path), chain()).failures[0].reason

    def test_a_failure_is_tried_again_the_next_time(self, chain) -> None:
        data = Made({"a": noise(0), "b": ScanError("not now")})
        assert len(prepare(data, chain())) == 1
        data.pixels = {"a": noise(0), "b": noise(1)}
        assert len(prepare(data, chain())) == 2

    def test_a_file_that_appears_is_no_longer_missing(self, write_scans, manifest, chain) -> None:
        path = write_scans()
        file = path.parent / "volumes/S0_0.nii.gz"
        content = file.read_bytes()
        file.unlink()
        dataset = manifest(path)
        before = digest_of(dataset, dataset.table(), chain())
        assert keys_of(dataset, dataset.table())[0] == MISSING
        file.write_bytes(content)
        assert digest_of(dataset, dataset.table(), chain()) != before
        assert len(prepare(dataset, chain())) == 8

    @pytest.mark.parametrize(
        ("pixels", "reason"),
        [
            (np.full((1, 4, 4), 3.0), "same value, 3"),
            (np.array([[[1.0, np.nan]]]), "not finite"),
            (np.zeros((1, 0, 4)), "the shape"),
            (ValueError("of a plugin"), "ValueError: of a plugin"),
        ],
    )
    def test_what_nothing_can_be_learned_from_is_a_failure(self, chain, pixels: Any, reason: str) -> None:
        (failure,) = prepare(Made({"a": noise(0), "bad": pixels}), chain()).failures
        assert failure.scan == "bad"
        assert reason in failure.reason

    def test_when_all_fail_the_first_reasons_are_told(self, chain) -> None:
        with pytest.raises(UsageError, match="none of 2 scans of made") as caught:
            prepare(Made({"a": ScanError("reason one"), "b": ScanError("reason two")}), chain())
        assert caught.value.hints == ("a: reason one", "b: reason two")

    def test_different_shapes_are_told_with_what_to_add(self, chain) -> None:
        data = Made({"a": noise(0), "b": noise(1), "c": noise(2, (1, 5, 8))})
        with pytest.raises(UsageError, match="different shapes") as caught:
            prepare(data, chain())
        text = str(caught.value)
        assert "2 scans have (1, 6, 6), such as b" in text
        assert "1 scan has (1, 5, 8), such as c" in text
        assert "{use: pad, shape: [6, 8]}" in text
        assert prepare(data, chain({"use": "pad", "shape": [6, 8]})).shape == (1, 6, 8)

    def test_pictures_among_volumes_are_told(self, chain) -> None:
        with pytest.raises(UsageError, match="different shapes") as caught:
            prepare(Made({"a": noise(0), "b": noise(1, (1, 6, 6, 6))}), chain())
        assert "pictures" in str(caught.value)

    def test_a_parameter_that_fits_no_scan_is_no_failure_of_a_scan(self, chain) -> None:
        with pytest.raises(ParameterError) as caught:
            prepare(Made({"a": noise(0)}), chain("zscore", {"use": "pad", "shape": [4, 4, 4]}))
        assert caught.value.key == (1, "shape")

    def test_an_unknown_step_is_told_before_any_work(self, chain) -> None:
        data = Made({"a": noise(0)})
        with pytest.raises(ParameterError, match="zscor") as caught:
            prepare(data, chain("pad", "zscor"))
        assert caught.value.key == (1, "use")
        with pytest.raises(ParameterError) as caught:
            prepare(data, chain({"use": "pad", "shap": 3}))
        assert caught.value.key == (0, "shap")
        assert data.read_scans == []

    def test_a_cache_that_cannot_be_used_says_so(self, chain, tmp_path) -> None:
        (tmp_path / "file").write_text("no folder")
        with pytest.raises(MlfpError, match="cache cannot be used") as caught:
            prepare(Made({"a": noise(0)}), chain(), cache=tmp_path / "file/below")
        assert "MLFP_CACHE" in str(caught.value)


class TestStorage:
    @pytest.mark.parametrize(
        ("values", "dtype"),
        [
            ([0, 1, 255], "uint8"),
            ([0, 1, 256], "float16"),
            ([-1, 1, 5], "float16"),
            ([0, 0.5, 1], "float16"),
            ([0, 70000, 1], "float32"),
            ([0, 1e-3, 1e-4], "float32"),
        ],
    )
    def test_the_smallest_kind_of_number_that_holds_the_pixels(self, values: list[float], dtype: str) -> None:
        data = np.array(values, dtype=np.float32)
        found = compact(data)
        assert found.dtype == dtype
        np.testing.assert_allclose(found.astype(np.float32), data, rtol=1e-3, atol=1e-4 * abs(data).max())

    def test_a_set_of_mixed_kinds_is_read_in_the_order_asked_for(self, chain) -> None:
        integers = np.arange(36, dtype=np.float32).reshape(1, 6, 6)
        scans = prepare(Made({"a": noise(0), "b": integers, "c": noise(1) * 1e6}), chain())
        assert scans.dtypes == ("float16", "uint8", "float32")
        expected = np.stack([noise(1) * 1e6, integers, noise(0), integers])
        np.testing.assert_allclose(scans.arrays([2, 1, 0, 1]), expected, rtol=1e-3, atol=1e-3)
        images = scans.images([2, 1, 0, 1])
        assert images.dtype.is_floating_point
        np.testing.assert_array_equal(images.numpy(), scans.arrays([2, 1, 0, 1]))

    def test_selecting_keeps_scans_with_their_pixels(self, chain) -> None:
        scans = prepare(Made({name: noise(place) for place, name in enumerate("abcde")}), chain())
        chosen = scans.select([4, 0, 2])
        assert list(chosen.table.scans) == ["e", "a", "c"]
        np.testing.assert_array_equal(chosen.arrays([0, 1, 2]), scans.arrays([4, 0, 2]))
        masked = scans.select(np.array([True, False, True, False, False]))
        assert list(masked.table.scans) == ["a", "c"]
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(chosen)).arrays([1]), scans.arrays([0]))

    def test_a_cache_cleared_meanwhile_is_told(self, chain) -> None:
        scans = prepare(Made({"a": noise(0)}), chain())
        scans.files[0].unlink()
        with pytest.raises(MlfpError, match="gone or damaged"):
            scans.images([0])


TWO = """
import sys
from pathlib import Path
from mlfp.data.chain import Chain
from mlfp.data.prepare import prepare
from mlfp.plugins import registry
from mlfp.types.spec import Spec
dataset = registry().build("dataset", Spec("manifest", {"path": sys.argv[1]}))
scans = prepare(dataset, Chain([Spec("zscore")]), cache=Path(sys.argv[2]), workers=1)
assert "torch" not in sys.modules, "preparing imported torch"
print(scans.digest, float(scans.arrays(range(len(scans))).sum()), len(scans.failures))
"""


def test_two_processes_prepare_the_same_at_once_without_torch(write_scans, tmp_path) -> None:
    path = write_scans(subjects=12, sessions=3)
    command = [sys.executable, "-c", TWO, str(path), str(tmp_path / "cache")]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    first, second = (process.communicate(timeout=120)[0] for process in both)
    assert [process.returncode for process in both] == [0, 0]
    assert first == second
    assert first.endswith(" 0\n")
    assert not list((tmp_path / "cache").rglob("*.tmp")), "no half-written file is left"


def test_workers_give_what_one_process_gives(write_scans, manifest, chain, tmp_path) -> None:
    dataset, steps = manifest(write_scans()), chain({"use": "move", "rotate": 10}, "zscore")
    one = prepare(dataset, steps, cache=tmp_path / "one", workers=1)
    two = prepare(dataset, steps, cache=tmp_path / "two", workers=2)
    assert one.digest == two.digest
    np.testing.assert_array_equal(one.arrays(range(8)), two.arrays(range(8)))


def test_the_memo_asks_for_many_at_once(tmp_path) -> None:
    memo = Memo(tmp_path)
    states = {f"/{number}": (number, number) for number in range(1234)}
    memo.remember_contents({path: (state, f"key{path}") for path, state in states.items()})
    known = Memo(tmp_path).contents({**states, "/5": (5, 6), "/new": (1, 1)})
    assert len(known) == 1233
    assert known["/1233"] == "key/1233"


@pytest.mark.real
@pytest.mark.parametrize(
    ("pack", "shape"),
    [
        ("brain-lgg", (40, 48, 32)),
        ("brain-openms", (40, 48, 32)),
        ("brain-ds011", (40, 48, 32)),
        ("brain-ds002748", (40, 48, 32)),
        ("chest-nih", (64, 64)),
        ("faces-orl", (64, 64)),
    ],
)
def test_every_pack_of_real_scans_can_be_prepared(real_data: Path, manifest, chain, pack: str, shape) -> None:
    dataset = manifest(real_data / pack / "scans.csv")
    table = dataset.table()
    few = table.select(np.linspace(0, len(table) - 1, 12).astype(int))
    before = {"use": "resample", "spacing": 4.5} if len(shape) == 3 else {"use": "resize", "shape": 64}
    scans = prepare(dataset, chain(before, {"use": "pad", "shape": shape}, "zscore"), table=few)
    assert scans.failures == ()
    assert scans.shape == (1, *shape)
    pixels = scans.arrays(range(len(scans))).reshape(len(scans), -1)
    assert np.isfinite(pixels).all()
    # Inside the head, which is the part that is not 0: mean 0, standard deviation 1.
    for scan in pixels:
        assert abs(scan[scan != 0].mean()) < 0.02
        assert abs(scan[scan != 0].std() - 1) < 0.02
        assert 0.1 < (scan != 0).mean() <= 1
