"""``mlfp doctor``: what a bug report needs, and what is worth knowing before a long run."""

from __future__ import annotations

import importlib.metadata
import shutil
from pathlib import Path
from typing import Any

import click

from mlfp.cli.output import json_option, print_json
from mlfp.wording import counted

GIB = 2**30


@click.command()
@json_option
def doctor(as_json: bool) -> None:
    """Show versions, devices, plugins and folders; says what is amiss and what to do about it."""
    report = examine()
    if as_json:
        print_json(report)
        return
    for title, values in report.items():
        click.secho(title, bold=True)
        for line in _lines(values):
            click.echo(f"  {line}")


def examine() -> dict[str, Any]:
    """Everything there is to say, by heading."""
    from mlfp.bench.environment import environment

    found = environment()
    return {
        "machine": {name: found[name] for name in ("system", "processor", "cores", "python")},
        "versions": found["versions"],
        "devices": _devices(),
        "search": _search(),
        "plugins": found["plugins"],
        "cache": _cache(),
    }


def _lines(values: Any) -> list[str]:
    if isinstance(values, dict):
        return [f"{name}: {value}" for name, value in values.items() if value is not None]
    return [value if isinstance(value, str) else " ".join(map(str, value.values())) for value in values]


def _devices() -> list[str]:
    import torch

    found = [f"cpu, {torch.get_num_threads()} threads"]
    for place in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(place)
        found.append(f"cuda:{place}, {properties.name}, {properties.total_memory / GIB:.0f} GiB")
    if torch.backends.mps.is_available():
        found.append("mps")
    return found


def _search() -> list[str]:
    """Which faiss searches; the two distributions overwrite each other's files."""
    both = [name for name in ("faiss-cpu", "faiss-gpu") if _installed(name)]
    if len(both) == 2:
        return ["faiss-cpu and faiss-gpu are both installed: remove both, then install the one you want"]
    return [f"{both[0]} {importlib.metadata.version(both[0])}" if both else "exact, by torch: no faiss is installed"]


def _installed(distribution: str) -> bool:
    return bool(list(importlib.metadata.distributions(name=distribution)))


def _cache() -> dict[str, Any]:
    from mlfp.data.memo import cache_folder

    folder = cache_folder()
    nearest = next(parent for parent in (folder, *folder.parents) if parent.is_dir())
    files = [path.stat().st_size for path in _files(folder)]
    return {
        "folder": str(folder),
        "holds": f"{counted(len(files), 'file')}, {sum(files) / GIB:.2f} GiB",
        "free": f"{shutil.disk_usage(nearest).free / GIB:.0f} GiB",
    }


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []
