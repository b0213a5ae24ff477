"""What was found, as files for machines."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from mlfp.execution.files import write_atomically
from mlfp.leaks import repair
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
        f"{dataset}/{scan}" if several else str(scan)
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
    frame = leaks.material.frame
    rows = []
    for item in leaks.conflicts:
        here, own = frame.iloc[item.place], frame.iloc[item.own]
        like = None if item.like is None else frame.iloc[item.like]
        rows.append(
            {
                "scan": here["scan"], "dataset": here["dataset"], "subject": here["subject"],
                "most_alike_of_its_id": own["scan"], "p_own": round(item.p_own, 6),
                "looks_like_scan": "" if like is None else like["scan"],
                "looks_like_subject": "" if like is None else like["subject"],
                "looks_like_dataset": "" if like is None else like["dataset"],
                "p_like": round(item.p_like, 6),
            }
        )  # fmt: skip
    columns = ["scan", "dataset", "subject", "most_alike_of_its_id", "p_own", "looks_like_scan", "looks_like_subject",
               "looks_like_dataset", "p_like"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)
