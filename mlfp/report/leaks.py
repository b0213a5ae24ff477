"""What a search for leaks found, as one HTML file that needs nothing else."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mlfp.execution.files import write_atomically
from mlfp.leaks import pictures as drawing
from mlfp.leaks.material import Material, called
from mlfp.leaks.result import FOUND, Leaks
from mlfp.leaks.write import conflicts

FILE, TEMPLATE = "report.html", "leaks.html.jinja"
#: Pairs with pictures, pairs (and conflicts) in the table, clusters.
PICTURED, LISTED, CLUSTERS = 12, 200, 40
#: Bars of the histogram, and its size.
BARS, WIDTH, HEIGHT = 60, 720, 180


def write(folder: Path, leaks: Leaks, *, pictures: Material | None = None) -> Path:
    """Write ``report.html``; gives its path.

    :param pictures: where the scans can be read; None draws none.
    """
    import jinja2

    text = resources.files("mlfp.report").joinpath(TEMPLATE).read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    page = environment.from_string(text).render(**contents(leaks, pictures))
    write_atomically(folder / FILE, page.encode())
    return folder / FILE


def contents(leaks: Leaks, pictures: Material | None) -> dict[str, Any]:
    """What the template shows."""
    return {
        "called": called,
        "summary": leaks.summary,
        "settings": leaks.settings,
        "maps": [item for item in (heat_map(leaks, "dataset"), heat_map(leaks, "split")) if item],
        "histogram": histogram(leaks),
        "pairs": leaks.pairs.head(LISTED).to_dict("records"),
        "pair_count": len(leaks.pairs),
        "pictured": pictured(leaks, pictures),
        "clusters": clusters(leaks),
        "conflicts": conflicts(leaks).head(LISTED).to_dict("records"),
    }


def heat_map(leaks: Leaks, column: str) -> dict[str, Any] | None:
    """Pairs of one person's scans, by the data sets (or splits) of the two; None where there is but one."""
    values = leaks.material.column(column).astype(str)
    names = [name for name in dict.fromkeys(values) if name]
    if len(names) < 2:
        return None
    chosen = leaks.pairs[leaks.pairs["kind"].isin([*FOUND, "same-id"])]
    counts = np.zeros((len(names), len(names)), dtype=int)
    for one, two in zip(chosen[f"{column}_a"], chosen[f"{column}_b"], strict=True):
        if one in names and two in names:
            low, high = sorted((names.index(one), names.index(two)))
            counts[low, high] += 1
    most = max(1, int(counts.max()))
    rows = [
        {
            "name": name,
            "cells": [_cell(int(counts[row, place]), most) if place >= row else None for place in range(len(names))],
        }
        for row, name in enumerate(names)
    ]
    return {
        "title": {"dataset": "Data set by data set", "split": "Split by split"}[column],
        "names": names,
        "rows": rows,
    }


def _cell(count: int, most: int) -> dict[str, Any]:
    share = float(np.log1p(count) / np.log1p(most))
    return {"count": count, "colour": f"rgba(200, 60, 30, {0.85 * share:.2f})", "dark": share > 0.6}


def histogram(leaks: Leaks) -> dict[str, Any]:
    """Candidates by score, on a logarithmic scale, those reported in another colour: bars of an SVG."""
    score, p_same = leaks.scores
    if not len(score):
        return {"bars": [], "ticks": []}
    low, high = float(score.min()), float(score.max()) + 1e-6
    edges = np.linspace(low, high, BARS + 1)
    reported = p_same >= leaks.settings.p_same
    everyone, found = (np.histogram(score[chosen], edges)[0] for chosen in (slice(None), reported))
    top = np.log1p(max(1, everyone.max()))
    bars = []
    for place, (all_here, found_here) in enumerate(zip(everyone.tolist(), found.tolist(), strict=True)):
        tall = HEIGHT * np.log1p(all_here) / top
        share = tall * found_here / max(1, all_here)
        about = f"score {edges[place]:.2f} to {edges[place + 1]:.2f}: {all_here} candidates, {found_here} reported"
        bars.append({"x": place * WIDTH / BARS, "all": round(tall, 1), "found": round(share, 1), "about": about})
    ticks = [{"x": WIDTH * share, "text": f"{low + share * (high - low):.1f}"} for share in (0, 0.25, 0.5, 0.75, 1)]
    threshold = float(score[reported].min()) if reported.any() else None
    at = None if threshold is None else WIDTH * (threshold - low) / (high - low)
    return {"bars": bars, "ticks": ticks, "width": WIDTH, "height": HEIGHT, "bar": WIDTH / BARS - 1, "at": at}


def pictured(leaks: Leaks, pictures: Material | None) -> list[dict[str, Any]]:
    """The first pairs that were not told by hashes or ids, each with its picture if there can be one."""
    if pictures is None:
        return []
    chosen = np.flatnonzero(~leaks.pairs["kind"].isin(["same-id", "exact-file", "identical-voxels"]))
    found = []
    for place in _spread(leaks.pairs.iloc[chosen], chosen):
        one, two = (int(value) for value in leaks.places[place])
        rows = [dict(pictures.frame.iloc[position]) for position in (one, two)]
        image = drawing.pair(rows[0], rows[1], leaks.verified.get((one, two)))
        if image is not None:
            found.append({"row": leaks.pairs.iloc[place].to_dict(), "image": image})
    return found


def _spread(pairs: pd.DataFrame, places: np.ndarray) -> list[int]:
    """The surest of each kind, and the least sure: there a look helps most."""
    order: list[int] = []
    for _, part in pairs.assign(place=places).groupby("kind", sort=False):
        listed = part["place"].tolist()
        share = max(2, PICTURED // max(1, pairs["kind"].nunique()))
        order += listed[: share - share // 3] + listed[-(share // 3) :] if len(listed) > share else listed
    return [int(place) for place in order[:PICTURED]]


def clusters(leaks: Leaks) -> list[dict[str, Any]]:
    """Clusters that join several ids, the largest first."""
    material, of = leaks.material, leaks.clusters.of
    people = pd.DataFrame({"cluster": of, "people": material.people}).groupby("cluster")["people"].nunique()
    shown = people[people > 1].sort_values(ascending=False, kind="stable").head(CLUSTERS)
    found = []
    for number, count in zip(shown.index.tolist(), shown.tolist(), strict=True):
        rows = material.frame.iloc[leaks.clusters.members(number)]
        edges = leaks.pairs[(leaks.pairs["cluster"] == number) & leaks.pairs["kind"].isin(FOUND)]
        found.append(
            {
                "number": number, "subjects": count, "scans": rows.head(20).to_dict("records"),
                "scan_count": len(rows), "edges": edges.head(20).to_dict("records"),
                "bridges": int(edges["bridge"].sum()) if count > 2 else 0,
            }
        )  # fmt: skip
    return found
