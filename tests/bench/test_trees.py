"""Every data set goes to the bench, named or recognised: its tree is listed, split, read, trained on and measured."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mlfp import api

VOLUMES = [{"use": "resample", "spacing": 12}, {"use": "pad", "shape": [16, 20, 16]}, "zscore"]
PICTURES = [{"use": "resize", "shape": [16, 16]}, "zscore"]


def config(dims: int, sides: dict[str, Any], **data: Any) -> dict[str, Any]:
    return {
        "name": "tree",
        **({"data": data} if data else {}),
        "preprocess": VOLUMES if dims == 3 else PICTURES,
        "split": sides,
        "base": {
            "encoder": {"use": f"compact-{dims}d", "embedding_dim": 8, "grid": [2] * dims},
            "objective": [{"loss": {"use": "infonce", "temperature": 0.1}}],
            "batch": {"subjects": 2, "scans": 2},
            "train": {"steps": 2},
        },
        "runs": {"learnt": {}},
        "compare_with": ["correlation"],
        "evaluate": ["retrieval"],
        "rank_by": "retrieval.map_at_r",
    }


BY_SUBJECT = {"by": "subject", "val": 0.0, "test": 0.5}


def brats2021(trees: ModuleType, top: Path) -> tuple[dict[str, Any], str]:
    return config(3, BY_SUBJECT), str(trees.brats2021(top, 6))


def chestxray14(trees: ModuleType, top: Path) -> tuple[dict[str, Any], str]:
    given = config(2, {"column": "split"}, use="chestxray14", path="elsewhere", split="packhaeuser")
    return given, str(trees.chest(top, 12))


def adni(trees: ModuleType, top: Path) -> tuple[dict[str, Any], str]:
    return config(3, BY_SUBJECT), str(trees.adni(top, 6))


def bids(trees: ModuleType, top: Path) -> tuple[dict[str, Any], str]:
    return config(3, BY_SUBJECT), str(trees.bids(top, 6))


def dicom(trees: ModuleType, top: Path) -> tuple[dict[str, Any], str]:
    return config(3, BY_SUBJECT), str(trees.dicom(top, 6))


def synt_contr(trees: ModuleType, top: Path) -> tuple[dict[str, Any], str | None]:
    base = {"use": "adni", "path": str(trees.adni(top / "adni", 6))}
    return config(3, BY_SUBJECT, use="synt-contr", dataset=base, store=str(top / "store")), None


def warped(trees: ModuleType, top: Path) -> tuple[dict[str, Any], str | None]:
    base = {"use": "bids", "path": str(trees.bids(top / "bids", 4))}
    return config(3, {**BY_SUBJECT, "by": "group"}, use="warped", dataset=base), None


MAKERS = [brats2021, chestxray14, adni, bids, dicom, synt_contr, warped]


@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.__name__)
def test_a_tree_goes_to_the_bench(
    maker: Callable[[ModuleType, Path], tuple[dict[str, Any], str | None]], trees: ModuleType, tmp_path: Path
) -> None:
    given, data = maker(trees, tmp_path / "tree")
    heard: list[str] = []
    result = api.bench(given, data=data, out=tmp_path / "out", announce=heard.append)
    assert result.failures == []
    assert {"learnt", "correlation", "outline"} <= {row.label for row in result.rows}
    assert all(0 <= row.metrics["retrieval.map_at_r"].value <= 1 for row in result.rows)
    name = maker.__name__.replace("_", "-")
    assert any(f"is read as {name}," in line for line in heard) == (data is not None)
    assert result.data["dataset"].startswith(f"dataset mlfp/{name} ")
    assert min(result.data[side]["subjects"] for side in ("train", "test")) >= 2
