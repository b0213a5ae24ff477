"""On what a comparison ran."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from typing import Any

from mlfp.plugins import host

#: Libraries whose version can change a number.
LIBRARIES = (
    "mlfp", "torch", "torchvision", "pytorch-metric-learning", "timm", "monai", "numpy", "scipy", "scikit-learn",
    "numba", "nibabel", "nilearn", "Pillow", "faiss-cpu", "faiss-gpu",
)  # fmt: skip


def environment() -> dict[str, Any]:
    """Machine, versions and plugins; imports nothing heavy."""
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "versions": {name: version for name in LIBRARIES if (version := _version(name))},
        "plugins": [
            {"name": item.name, "distribution": item.distribution, "version": item.version, "status": item.status}
            for item in host().plugins
        ],
    }


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:  # noqa: PTH123 - no path of ours
            return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")
    except OSError:
        return platform.processor()
