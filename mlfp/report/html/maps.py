"""Maps of the test set: where each method puts the scans, and how far apart (Few-Shot Fingerprinting's two figures)."""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from markupsafe import Markup

from mlfp.bench.records import write_text
from mlfp.fingerprints import store
from mlfp.report.svg.charts import histogram
from mlfp.report.svg.element import drawing, group, mark, number, tag
from mlfp.report.svg.scale import Scale
from mlfp.types.fingerprints import Fingerprints
from mlfp.wording import counted

#: Where the places on a map are kept, as finding them takes seconds.
FILE = "map.json"
#: Subjects that are told apart on a map.
MARKED = 8
#: Fewer scans make no map.
FEWEST = 6
WIDTH, HEIGHT = 500.0, 430.0
_SEED, _VERSION, _BINS = 0, 1, 40


@dataclass(frozen=True)
class Map:
    """One method's map.

    :param drawing: the map.
    :param distances: the histogram of distances within and between subjects.
    :param nearer: share of pairs of different subjects that are nearer than half of the pairs of one subject.
    """

    label: str
    drawing: Markup
    distances: Markup
    nearer: float


def places(fingerprints: Fingerprints, folder: Path) -> np.ndarray:
    """(N, 2) by t-SNE, from the run's folder where they are kept there."""
    digest = hashlib.sha256((folder / store.FILE).read_bytes()).hexdigest()[:16]
    path = folder / FILE
    if path.is_file():
        kept = json.loads(path.read_text(encoding="utf-8"))
        if (kept.get("of"), kept.get("version")) == (digest, _VERSION):
            return np.array(kept["places"])
    found = np.round(_tsne(comparable(fingerprints)).astype(np.float64), 3)
    # A folder that may only be read can still be reported on.
    with contextlib.suppress(OSError):
        write_text(path, json.dumps({"of": digest, "version": _VERSION, "places": found.tolist()}))
    return found


def _tsne(vectors: np.ndarray) -> np.ndarray:
    from sklearn.manifold import TSNE

    perplexity = min(30.0, (len(vectors) - 1) / 3)
    found: np.ndarray = TSNE(perplexity=perplexity, init="pca", random_state=_SEED).fit_transform(vectors)
    return found


def comparable(fingerprints: Fingerprints) -> np.ndarray:
    """(N, D) vectors whose Euclidean distance has the order of the method's own."""
    vectors = fingerprints.vectors.astype(np.float64)
    if fingerprints.distance == "l2":
        return vectors
    found: np.ndarray = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return found


def distances(fingerprints: Fingerprints) -> tuple[np.ndarray, np.ndarray, str]:
    """Distances of pairs of one subject, those of pairs of two, and what they are: cosine ones are 1 - similarity."""
    vectors = comparable(fingerprints)
    first, second = np.triu_indices(len(vectors), 1)
    if fingerprints.distance == "l2":
        squares = (vectors**2).sum(axis=1)
        found = np.sqrt(np.maximum(squares[first] + squares[second] - 2 * (vectors @ vectors.T)[first, second], 0))
    else:
        found = 1 - (vectors @ vectors.T)[first, second]
    same = fingerprints.table.labels()[first] == fingerprints.table.labels()[second]
    return found[same], found[~same], "Euclidean distance" if fingerprints.distance == "l2" else "cosine distance"


def marked(subjects: np.ndarray) -> dict[str, int]:
    """The subjects that are told apart, each with its number: those with the most scans."""
    names, counts = np.unique(subjects, return_counts=True)
    hashes = pd.util.hash_array(names.astype(object))
    order = np.lexsort((hashes, -counts))
    return {str(names[place]): number for number, place in enumerate(order[:MARKED])}


def draw(label: str, fingerprints: Fingerprints, folder: Path) -> Map:
    """A method's map and histogram."""
    within, between, what = distances(fingerprints)
    edges = np.linspace(min(0.0, float(within.min())), float(np.concatenate([within, between]).max()) or 1.0, _BINS + 1)
    groups = [
        (f"{name} (n = {len(found)})", np.histogram(found, edges)[0] / max(len(found), 1))
        for name, found in (("same subject", within), ("different subjects", between))
    ]
    said = f"{label}: distances within and between subjects"
    return Map(
        label=label,
        drawing=_scatter(label, fingerprints, places(fingerprints, folder)),
        distances=histogram(edges, groups, x=what, label=said, width=WIDTH),
        nearer=float((between < np.median(within)).mean()) if len(between) else 0.0,
    )


def _scatter(label: str, fingerprints: Fingerprints, found: np.ndarray) -> Markup:
    """Every scan a mark, tied to the middle of its subject's: short ties are a good map."""
    subjects = fingerprints.table.subjects.astype(str)
    colours = marked(subjects)
    low, high = found.min(axis=0), found.max(axis=0)
    across = Scale(float(low[0]), float(high[0]), 14, WIDTH - 14)(found[:, 0])
    up = Scale(float(low[1]), float(high[1]), HEIGHT - 14, 14)(found[:, 1])
    # Marked subjects are drawn last, and so lie on top.
    order = sorted(set(subjects), key=lambda subject: (subject in colours, subject))
    numbers = {subject: place for place, subject in enumerate(sorted(set(subjects)))}
    drawn = []
    for subject in order:
        rows = np.flatnonzero(subjects == subject)
        middle = across[rows].mean(), up[rows].mean()
        ties = "".join(
            f"M{number(middle[0])} {number(middle[1])}L{number(across[row])} {number(up[row])}" for row in rows
        )
        style = colours.get(subject)
        shapes = [
            tag("g", mark(0 if style is None else style, across[row], up[row]), class_="pt", data_scan=int(row))
            for row in rows
        ]
        classes = "subject" if style is None else f"subject marked c{style}"
        drawn.append(group(tag("path", d=ties, class_="tie"), *shapes, class_=classes, data_subject=numbers[subject]))
    said = f"{label}: map of {counted(len(subjects), 'scan')} of {counted(len(set(subjects)), 'subject')}. "
    said += "Arrow keys go from scan to scan."
    return drawing(WIDTH, HEIGHT, *drawn, label=said, class_="chart map")
