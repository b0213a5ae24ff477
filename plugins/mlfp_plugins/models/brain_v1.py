"""brain-v1: a fingerprint of the head for any contrast. What it is, was trained on and can do: brain_v1.md."""

from __future__ import annotations

from pathlib import Path


def brain_v1() -> Path:
    """The file of its weights."""
    return Path(__file__).with_suffix(".safetensors")
