from __future__ import annotations

from pathlib import Path

import pytest

from mlfp.execution.memory import available, size


def test_it_reads_what_the_system_says(tmp_path: Path) -> None:
    said = tmp_path / "meminfo"
    said.write_text("MemTotal:       16 kB\nMemAvailable:   12 kB\n")
    assert available(said) == 12 * 1024
    assert available(tmp_path / "nothing") is None


@pytest.mark.parametrize(("amount", "text"), [(12, "12 bytes"), (3 << 20, "3 MiB"), (5 << 29, "2.5 GiB")])
def test_amounts_are_short(amount: int, text: str) -> None:
    assert size(amount) == text
