from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlfp.execution.files import whole, write_atomically


def test_a_file_is_replaced_whole_and_its_folder_made(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.txt"
    write_atomically(path, b"one")
    write_atomically(path, b"two", durable=False)
    assert path.read_bytes() == b"two"
    assert [item.name for item in path.parent.iterdir()] == ["file.txt"]


def test_what_ends_in_an_error_leaves_what_was_there_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    write_atomically(path, b"before")

    def half() -> None:
        with whole(path) as file:
            file.write(b"half of ")
            raise RuntimeError("full")

    with pytest.raises(RuntimeError, match="full"):
        half()
    assert path.read_bytes() == b"before"
    assert [item.name for item in tmp_path.iterdir()] == ["file.bin"]


def test_a_result_may_be_read_by_whom_the_umask_lets(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_atomically(tmp_path / "file", b"")
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640
