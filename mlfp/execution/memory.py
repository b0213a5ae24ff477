"""How much memory there is, and how amounts of it are written."""

from __future__ import annotations

from pathlib import Path


def available(source: Path = Path("/proc/meminfo")) -> int | None:
    """Bytes that can be had without swapping; None where the system does not say."""
    try:
        lines = source.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return int(found[0]) * 1024 if found else None


def size(amount: float) -> str:
    """``612 MiB``, ``2.4 GiB``."""
    for unit in ("bytes", "KiB", "MiB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}"
        amount /= 1024
    return f"{amount:.1f} GiB"
