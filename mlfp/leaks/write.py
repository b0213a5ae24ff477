"""What was found, as files for machines."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from mlfp.execution.files import write_atomically
from mlfp.leaks import repair
from mlfp.leaks.material import called
from mlfp.leaks.result import Leaks


def write(folder: Path, leaks: Leaks) -> list[Path]:
    """Write ``pairs.csv``, ``clusters.csv``, ``conflicts.csv``, ``summary.json`` and the repaired splits."""
    material = leaks.material
    tables = {"pairs.csv": leaks.pairs, "clusters.csv": clusters(leaks), "conflicts.csv": conflicts(leaks)}
    for name, frame in tables.items():
        write_atomically(folder / name, frame.to_csv(index=False).encode())
    write_atomically(folder / "summary.json", (json.dumps(leaks.summary, indent=1) + "\n").encode())
    several = material.frame["dataset"].nunique() > 1
    names = [
        called(dataset, scan) if several else str(scan)
        for dataset, scan in zip(material.column("dataset"), material.column("scan"), strict=True)
    ]
    splits = repair.write(folder, leaks.repaired, names, list(material.column("subject")), leaks.clusters.of)
    return [*(folder / name for name in tables), folder / "summary.json", *splits]


def clusters(leaks: Leaks) -> pd.DataFrame:
    """A row a scan, of clusters that join several ids or hold copies."""
    material, of = leaks.material, leaks.clusters.of
    frame = pd.DataFrame({"cluster": of, "people": material.people})
    joined = frame.groupby("cluster")["people"].transform("nunique").to_numpy() > 1
    paired = (
        np.isin(of, leaks.pairs["cluster"].to_numpy(dtype=np.int64)) if len(leaks.pairs) else np.zeros(len(of), bool)
    )
    chosen = np.flatnonzero(joined | paired)
    columns = ["scan", "subject", "dataset", "split", "session", "modality"]
    found = material.frame.iloc[chosen][columns].assign(
        cluster=of[chosen], scans=np.bincount(of)[of[chosen]],
        subjects=frame.groupby("cluster")["people"].transform("nunique").to_numpy()[chosen],
        split_repaired=leaks.repaired.after[chosen],
    )  # fmt: skip
    return found.sort_values(["cluster", "dataset", "scan"], kind="stable")[
        ["cluster", "scans", "subjects", *columns, "split_repaired"]
    ]


def conflicts(leaks: Leaks) -> pd.DataFrame:
    """A row a scan that does not look like the others under its id."""
    told = leaks.conflicts
    scans, subjects, datasets = (
        np.append(leaks.material.column(name), "") for name in ("scan", "subject", "dataset")
    )  # fmt: skip
    here, own = (np.array([getattr(item, name) for item in told], dtype=np.int64) for name in ("place", "own"))
    like = np.array([-1 if item.like is None else item.like for item in told], dtype=np.int64)  # the last: ""
    p_own, p_like = (np.round([getattr(item, name) for item in told], 6) for name in ("p_own", "p_like"))
    return pd.DataFrame(
        {
            "scan": scans[here], "dataset": datasets[here], "subject": subjects[here],
            "most_alike_of_its_id": scans[own], "p_own": p_own, "looks_like_scan": scans[like],
            "looks_like_subject": subjects[like], "looks_like_dataset": datasets[like], "p_like": p_like,
        }
    )  # fmt: skip
