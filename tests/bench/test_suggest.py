"""The comparison that `mlfp data inspect` suggests runs as it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from mlfp import api
from mlfp.bench.config import parse
from mlfp.bench.engine import bench
from mlfp.bench.source import Source
from mlfp.errors import UsageError


def suggested(data: str, out: Path, **options: object) -> dict:
    api.inspect(data, write=out, **options)
    return parse(Source.of_file(out)).source.data


def test_pictures(pictures: Path, tmp_path: Path) -> None:
    config = suggested(str(pictures), tmp_path / "my compare.yaml")
    assert config["name"] == "my-compare"
    assert config["data"] == {"use": "manifest", "path": str(pictures)}
    assert config["split"] == {"by": "subject", "val": 0.0, "test": 0.5, "seed": 0}
    result = bench(tmp_path / "my compare.yaml", out=tmp_path / "out", smoke=True)
    assert not result.failures
    assert {row.label for row in result.rows} >= {"infonce", "triplet, hard negatives", "ssim", "untrained"}


def test_volumes_of_several_modalities_are_moved_and_compared_across(trees, tmp_path: Path) -> None:
    top = trees.brats2021(tmp_path / "brats", subjects=6)
    config = suggested(f"brats2021:{top}", tmp_path / "compare.yaml")
    assert config["data"] == {"use": "brats2021", "path": str(top)}
    assert config["evaluate"][0]["across"] == "modality"
    assert config["evaluate"][0]["move"]
    shape = next(step for step in config["preprocess"] if step["use"] == "pad")["shape"]
    data, _ = trees.phantom(0)
    spacing = config["preprocess"][0]["spacing"]
    assert all(length * spacing >= size * 5 for length, size in zip(shape, data.shape, strict=True))
    result = bench(tmp_path / "compare.yaml", out=tmp_path / "out", smoke=True, only="infonce")
    assert not result.failures


def test_a_split_of_the_data_set_groups_and_lone_subjects_are_seen(pictures: Path, tmp_path: Path) -> None:
    frame = pd.read_csv(pictures, dtype=str)
    frame["path"] = [str(pictures.parent / path) for path in frame["path"]]
    frame["split"] = np.where(frame["subject"] < "012", "train", "test")
    frame.to_csv(tmp_path / "split.csv", index=False)
    config = suggested(str(tmp_path / "split.csv"), tmp_path / "a.yaml")
    assert config["split"] == {"column": "split"}
    training = frame[frame["split"] == "train"]["subject"]
    assert config["base"]["batch"]["subjects"] == training[training.duplicated()].nunique()
    frame = frame.drop(columns="split").assign(group=frame["subject"].astype(int).floordiv(2).astype(str))
    frame.to_csv(tmp_path / "group.csv", index=False)
    assert suggested(str(tmp_path / "group.csv"), tmp_path / "b.yaml")["split"]["by"] == "group"
    alone = frame.drop(columns="group").assign(site=frame["subject"])
    alone = alone[(alone["subject"] < "012") | ~alone["subject"].duplicated()]
    alone.to_csv(tmp_path / "alone.csv", index=False)
    config = suggested(str(tmp_path / "alone.csv"), tmp_path / "c.yaml")
    assert config["runs"]["infonce, two views"]["batch"]["views"] == 2
    assert "`by: site`" in (tmp_path / "c.yaml").read_text(encoding="utf-8")
    assert not bench(tmp_path / "c.yaml", out=tmp_path / "out", smoke=True, only="infonce*").failures


def test_where_nothing_can_be_suggested_it_is_said(pictures: Path, trees, tmp_path: Path) -> None:
    frame = pd.read_csv(pictures, dtype=str)
    frame["path"] = [str(pictures.parent / path) for path in frame["path"]]
    alone = tmp_path / "alone.csv"
    frame[~frame["subject"].duplicated()].to_csv(alone, index=False)
    with pytest.raises(UsageError, match="0 subjects"):
        api.inspect(alone, write=tmp_path / "x.yaml")
    with pytest.raises(UsageError, match="without a scan that can be read"):
        api.inspect(pictures, read=False, write=tmp_path / "x.yaml")
    trees.write(tmp_path / "head.nii.gz", 0)
    frame.loc[0, "path"] = str(tmp_path / "head.nii.gz")
    frame.to_csv(tmp_path / "both.csv", index=False)
    with pytest.raises(UsageError, match="pictures and volumes"):
        api.inspect(tmp_path / "both.csv", write=tmp_path / "x.yaml")
    assert not (tmp_path / "x.yaml").exists()


def test_the_page_needs_nothing_else_and_shows_what_is_odd(pictures: Path, tmp_path: Path) -> None:
    frame = pd.read_csv(pictures, dtype=str)
    frame["path"] = [str(pictures.parent / path) for path in frame["path"]]
    frame.loc[3, "subject"] = "<b>&"
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"junk")
    frame.loc[4, "path"] = str(broken)
    frame["date"] = ["2010-01-01", "2010-02-01", "2015-01-01"] * 24
    copied = tmp_path / "copied.png"
    copied.write_bytes(Path(frame.loc[6, "path"]).read_bytes())
    frame.loc[5, "path"] = str(copied)
    frame["scan"] = [f"scan{number}" for number in range(len(frame))]
    frame.to_csv(tmp_path / "scans.csv", index=False)
    api.inspect(tmp_path / "scans.csv", html=tmp_path / "new" / "page.html")
    page = (tmp_path / "new" / "page.html").read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") == 24
    assert not [word for word in ("<script", "<link", 'src="http', "url(http") if word in page]
    for part in ("scan4: ", "of different subjects", "From one session to the next", "mlfp bench compare.yaml"):
        assert part in page, part
    assert "<b>&" not in page.replace("<b>of different", "")
    Image.open(pictures.parent / "s00_0.png").verify()
    bare = tmp_path / "bare.html"
    api.inspect(tmp_path / "scans.csv", html=bare, read=False)
    assert "no scan was read" in bare.read_text(encoding="utf-8")
