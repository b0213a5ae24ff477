"""Mistakes in a configuration: each is said with file and line before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from mlfp.bench import engine
from mlfp.errors import UsageError

Config = dict[str, Any]


@pytest.mark.parametrize(
    ("change", "message", "line"),
    [
        ({"dataa": 1}, "unknown key 'dataa'", "dataa"),
        ({"seeds": ["x"]}, "a seed should be int, got 'x'", "seeds.0"),
        ({"seeds": []}, "names no seed", "seeds"),
        ({"seeds": [1, 1]}, "seeds has 1 twice", "seeds.1"),
        ({"evaluate": []}, "names nothing to measure", "evaluate"),
        ({"evaluate": ["retrieval", {"use": "retrieval", "k": [3]}]}, "evaluate has 'retrieval' twice", "evaluate.1"),
        ({"evaluate": "retrieval"}, "evaluate should be a list", "evaluate"),
        (
            {"compare_with": ["ssim", {"use": "outline", "name": "ssim"}]},
            "compare_with has 'ssim' twice",
            "compare_with",
        ),
        ({"compare_with": [{"use": "ssim", "name": "infonce"}]}, "is called 'infonce' as well", "compare_with.0"),
        ({"name": ".."}, "it names a folder", "name"),
        ({"name": 12}, "name should be text", "name"),
        ({"data": {"use": "manifest", "pth": "x.csv"}}, "has no parameter 'pth'", "data.pth"),
        ({"data": {"use": "phantom", "subjects": 0}}, "subjects should be at least 1", "data"),
        ({"preprocess": [{"use": "slice", "axis": "axal"}]}, "axis should be 'axial'", "preprocess.0.axis"),
        ({"rank_by": "map"}, "rank_by should be 'evaluation.metric'", "rank_by"),
        ({"split": {"val": 0.5, "test": 0.5}}, "leave no subject to train on", "split.test"),
        ({"split": {"val": 0.0, "test": 1.0}}, "leave no subject to train on", "split.test"),
        ({"split": {"val": 0.5, "test": 0.6}}, "leave no subject to train on", "split.test"),
        ({"base": {"encoder": "compact-2d", "trian": {}}}, "unknown key 'trian'", "base.trian"),
        ({"grid": {"objective": {"a": [{"loss": "tripet"}]}}}, "unknown loss 'tripet'", "grid.objective.a.0.loss"),
        (
            {"grid": {"objective": {"a": [{"loss": {"use": "triplet", "margn": 1}}]}}},
            "has no parameter 'margn'",
            "grid.objective.a.0.loss.margn",
        ),
        (
            {"grid": {"objective": {"a": [{"loss": {"use": "triplet", "margin": "wide"}}]}}},
            "margin should be float, got 'wide'",
            "grid.objective.a.0.loss.margin",
        ),
        ({"base": {"encoder": "compact-3d"}}, "compact-3d", "base.encoder"),
        (
            {"base": {"encoder": {"use": "compact-2d", "embedding_dim": 0}}},
            "a fingerprint has 1 number or more, got embedding_dim: 0",
            "base.encoder.embedding_dim",
        ),
        (
            {"base": {"encoder": "compact-2d", "batch": {"subjects": 999, "scans": 2}}},
            "a batch of 999 subjects with 2 scans or more needs as many",
            "base.batch.subjects",
        ),
        (
            {"base": {"encoder": "compact-2d", "batch": {"subjects": 2, "scans": 999}}},
            "there are 0 subjects with 999 scans or more to train on",
            "base.batch",
        ),
        ({"compare_with": ["ssmi"]}, "unknown scorer 'ssmi'", "compare_with.0"),
        (
            {"evaluate": [{"use": "few-shot", "ways": 500}]},
            "500-way 1-shot episodes need 500 subjects",
            "evaluate.0.ways",
        ),
        ({"evaluate": [{"use": "retrieval", "k": [0]}]}, "ranks should be 1 or more", "evaluate.0.k"),
        ({"evaluate": [{"use": "retrieval", "across": "modalty"}]}, "has no column 'modalty'", "evaluate.0.across"),
        ({"evaluate": [{"use": "verification", "fmr": [2]}]}, "rates lie between 0 and 1", "evaluate.0.fmr"),
        ({"evaluate": [{"use": "open-set", "fpir": [2]}]}, "rates lie between 0 and 1", "evaluate.0.fpir"),
        ({"evaluate": [{"use": "fairness", "by": ["sx"]}]}, "has none of the columns sx", "evaluate.0.by"),
        ({"evaluate": [{"use": "cross-modal", "column": "kind"}]}, "has no column 'kind'", "evaluate.0.column"),
        ({"evaluate": [{"use": "retrieval", "kk": 1}]}, "has no parameter 'kk'", "evaluate.0.kk"),
    ],
)
def test_a_mistake_is_said_with_file_and_line(
    comparison: Config, tmp_path: Path, change: Config, message: str, line: str
) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(yaml.safe_dump({**comparison, **change}, sort_keys=False))
    with pytest.raises(UsageError, match=message) as caught:
        engine.bench(path, out=tmp_path / "out", check=True)
    where = str(caught.value.where)
    assert where.startswith(f"{path}:"), where
    assert where.split()[-1].startswith(line.rsplit(".", 1)[0]), where


def test_a_missing_manifest_is_said_with_the_line_that_names_it(comparison: Config, tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(yaml.safe_dump({**comparison, "data": {"use": "manifest", "path": "none.csv"}}, sort_keys=False))
    with pytest.raises(UsageError, match=r"there is no manifest 'none\.csv'") as caught:
        engine.bench(path, out=tmp_path / "out")
    assert str(caught.value.where).startswith(f"{path}:")
