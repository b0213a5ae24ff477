"""The store: what is written is read, and what is no store is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlfp.errors import UsageError
from mlfp.fingerprints import store
from mlfp.types.fingerprints import Fingerprints
from mlfp.types.scan_table import ScanTable


def fingerprints(scans: int = 4, dim: int = 3, seed: int = 0) -> Fingerprints:
    frame = {"scan": [f"{number:03}" for number in range(scans)], "subject": ["007"] * scans, "age": range(scans)}
    vectors = np.random.default_rng(seed).normal(size=(scans, dim)).astype(np.float32)
    return Fingerprints(ScanTable(pd.DataFrame(frame), source="scans.csv"), vectors, "abc", "l2")


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(scans=st.integers(1, 9), dim=st.integers(1, 130), seed=st.integers(0, 99))
def test_what_is_written_is_read(tmp_path: Path, scans: int, dim: int, seed: int) -> None:
    written = fingerprints(scans, dim, seed)
    store.write(tmp_path / "s", written)
    found = store.read(tmp_path / "s")
    assert np.array_equal(found.vectors, written.vectors)
    assert found.vectors.dtype == np.float32
    assert found.vectors.flags.writeable
    assert (found.model, found.distance, found.table.source) == ("abc", "l2", "scans.csv")
    pd.testing.assert_frame_equal(found.table.frame, written.table.frame, check_dtype=False)
    assert list(found.table.subjects) == ["007"] * scans, "an id stays text"


def test_others_read_it_as_plain_parquet(tmp_path: Path) -> None:
    path = store.write(tmp_path, fingerprints())
    columns = pq.read_table(path)
    assert str(columns.schema.field("vector").type) == "fixed_size_list<element: float>[3]"
    assert columns.column_names == ["scan", "subject", "age", "vector"]
    assert [item.name for item in tmp_path.iterdir()] == [store.FILE], "nothing half-written is left"


def test_what_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no store at"):
        store.read(tmp_path / "nowhere")
    (tmp_path / "x.parquet").write_bytes(b"PAR1 not")
    with pytest.raises(UsageError, match="cannot be read"):
        store.read(tmp_path / "x.parquet")
    pd.DataFrame({"scan": ["a"]}).to_parquet(tmp_path / "y.parquet")
    with pytest.raises(UsageError, match="no store of mlfp's"):
        store.read(tmp_path / "y.parquet")


def test_vectors_must_fit_the_table(tmp_path: Path) -> None:
    made = fingerprints()
    with pytest.raises(UsageError, match=r"4 scans need \(4, D\) vectors, got \(2, 3\)"):
        store.write(tmp_path, Fingerprints(made.table, made.vectors[:2], "abc"))
