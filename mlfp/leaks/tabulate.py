"""Pairs as rows, with what kind they are; and the counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mlfp.leaks.calibration import Calibration, probability
from mlfp.leaks.candidates import Candidates
from mlfp.leaks.clusters import Clusters
from mlfp.leaks.conflicts import TRUSTED, Conflict
from mlfp.leaks.material import Material
from mlfp.leaks.odds import Odds
from mlfp.leaks.result import FOUND, KINDS, Leaks, Settings
from mlfp.leaks.verify import Verified

#: What is told of each of a pair's scans, as ``scan_a`` and ``scan_b``.
SIDES = ("scan", "dataset", "split", "subject", "session", "modality")
#: Rank among the neighbours up to which two scans count as mutual neighbours.
NEAR = 3
#: Cosine similarity from which fingerprints alone make a near duplicate, where nothing was verified.
ALIKE = 0.9999
#: Probability below which a pair found needs a look.
SURE = 0.95


class Table:
    """Makes the rows."""

    def __init__(
        self,
        material: Material,
        settings: Settings,
        calibration: Calibration,
        verified: Mapping[tuple[int, int], Verified],
        odds: Odds,
    ) -> None:
        self.material, self.settings, self.calibration, self.verified = material, settings, calibration, verified
        self.odds = odds
        self._dates = material.column("date").astype(str)

    def pairs(
        self,
        found: Candidates,
        p_same: np.ndarray,
        copies: Mapping[tuple[int, int], str],
        own: Candidates,
        conflicts: Sequence[Conflict],
        *,
        lowest: float | None,
    ) -> tuple[pd.DataFrame, np.ndarray]:
        """Rows, the surest first, and (P, 2) positions of their scans."""
        rows: list[dict[str, Any]] = []
        copied = np.array(
            [pair in copies for pair in zip(found.one.tolist(), found.two.tolist(), strict=True)], dtype=bool
        ) if copies else np.zeros(len(found), dtype=bool)  # fmt: skip
        high = p_same >= self.settings.p_same if lowest is None else found.score >= lowest
        if lowest is not None and self.verified:
            high &= p_same >= self.settings.p_same
        for place in np.flatnonzero(high | copied):
            pair = (int(found.one[place]), int(found.two[place]))
            kind = copies.get(pair) or self._kind(pair, float(found.similarity[place]))
            certain = 1.0 if pair in copies else float(p_same[place])
            rows.append(self._row(pair, kind, found, int(place), certain))
        rows += self._own_rows(copies, own, conflicts)
        rows.sort(key=lambda row: (KINDS.index(row["kind"]), -row["p_same"], row["_a"], row["_b"]))
        frame = pd.DataFrame(rows, columns=[*COLUMNS, "_a", "_b"])
        places = frame[["_a", "_b"]].to_numpy(dtype=np.int64).reshape(-1, 2)
        return self._named(frame, places), places

    def _kind(self, pair: tuple[int, int], similarity: float) -> str:
        seen = self.verified.get(pair)
        if seen is not None and seen.near_duplicate:
            return "near-duplicate"
        if seen is None and self.material.distance == "cosine" and similarity >= ALIKE:
            return "near-duplicate"
        one, two = (self._dates[place] for place in pair)
        if (one and one == two) or (seen is not None and seen.still):
            return "same-session"
        return "same-subject"

    def _own_rows(
        self, copies: Mapping[tuple[int, int], str], own: Candidates, conflicts: Sequence[Conflict]
    ) -> list[dict[str, Any]]:
        """Copies under one id, one id on two sides (once for each two sides), and one id on different people."""
        rows, splits, seen = [], self.material.column("split"), set()
        doubtful = {(min(item.place, item.own), max(item.place, item.own)): item for item in conflicts}
        trusted = probability(self.odds.evidence(own, {}), TRUSTED)
        for place, pair in enumerate(zip(own.one.tolist(), own.two.tolist(), strict=True)):
            if pair in copies:
                rows.append(self._row(pair, copies[pair], own, place, 1.0))
            elif pair in doubtful:
                rows.append(self._row(pair, "different-people", own, place, doubtful[pair].p_own))
            elif splits[pair[0]] and splits[pair[1]] and splits[pair[0]] != splits[pair[1]]:
                sides = (int(self.material.people[pair[0]]), *sorted((splits[pair[0]], splits[pair[1]])))
                if sides not in seen:
                    seen.add(sides)
                    rows.append(self._row(pair, "same-id", own, place, float(trusted[place])))
        return rows

    def _row(self, pair: tuple[int, int], kind: str, source: Candidates, place: int, p_same: float) -> dict[str, Any]:
        seen = self.verified.get(pair)
        ranks = source.ranks[place]
        return {
            "_a": pair[0],
            "_b": pair[1],
            "kind": kind,
            "similarity": round(float(source.similarity[place]), 5),
            "score": round(float(source.score[place]), 3),
            "p_same": round(p_same, 6),
            "mutual": bool((ranks > 0).all() and (ranks <= NEAR).all()),
            "rank_a": int(ranks[0]),
            "rank_b": int(ranks[1]),
            "verified": seen is not None,
            "mutual_information": None if seen is None else seen.mutual,
            "mirrored": None if seen is None else seen.mirrored,
            "gain": None if seen is None else round(seen.gain, 5),
            "correlation": None if seen is None else seen.correlation,
            "review": self._review(kind, float(source.score[place]), p_same, seen),
        }

    def _review(self, kind: str, score: float, p_same: float, seen: Verified | None) -> str:
        """Why a person should look at it; empty for what hashes or the table itself say."""
        if kind in ("exact-file", "identical-voxels", "same-id"):
            return ""
        if kind == "different-people":
            return "which id is right?"
        reasons = [] if p_same >= SURE else ["not sure"]
        if seen is None and self.calibration.highest and score > self.calibration.highest[0]:
            reasons.append("beyond the pairs of calibration")
        return "; ".join(reasons)

    def _named(self, frame: pd.DataFrame, places: np.ndarray) -> pd.DataFrame:
        for name in SIDES:
            values = self.material.column(name)
            frame[f"{name}_a"], frame[f"{name}_b"] = values[places[:, 0]], values[places[:, 1]]
        apart = [frame[f"{column}_a"] != frame[f"{column}_b"] for column in ("dataset", "split")]
        frame["crosses"] = np.where(apart[0], "dataset", np.where(apart[1], "split", ""))
        return frame[list(COLUMNS)]


#: The columns of ``pairs.csv``.
COLUMNS = (
    *(f"{name}_{side}" for name in SIDES for side in "ab"),
    "kind", "similarity", "score", "p_same", "mutual", "rank_a", "rank_b", "verified", "mutual_information", "mirrored",
    "gain", "correlation", "crosses", "cluster", "bridge", "cut", "review",
)  # fmt: skip


def with_clusters(pairs: pd.DataFrame, places: np.ndarray, edges: np.ndarray, joined: Clusters) -> pd.DataFrame:
    """The rows with the cluster of their first scan, and what they are to it."""
    bridge, cut = np.zeros(len(pairs), dtype=bool), np.zeros(len(pairs), dtype=bool)
    bridge[edges], cut[edges] = joined.bridges, joined.cut
    review = pairs["review"].where(~cut, pairs["review"] + "; would chain too many people")
    return pairs.assign(
        cluster=joined.of[places[:, 0]], bridge=bridge, cut=cut, review=review.str.removeprefix("; ")
    )  # fmt: skip


def summary(
    leaks: Leaks, share: float, lowest: float | None, unverifiable: int, seconds: float, count: int
) -> dict[str, Any]:
    """Counts, thresholds, and what is to be expected of them."""
    pairs, material, calibration = leaks.pairs, leaks.material, leaks.calibration
    probable = pairs["kind"].isin(["near-duplicate", "same-session", "same-subject"])
    by_dataset = _crossed(pairs, "dataset")
    people = [len(np.unique(material.people[leaks.clusters.members(number)])) for number in _joining(leaks)]
    return {
        "scans": len(material),
        "subjects": int(material.people.max()) + 1,
        "datasets": {str(name): int(number) for name, number in material.frame["dataset"].value_counts().items()},
        "pairs_compared": material.open_pairs,
        "pairs": {kind: int((pairs["kind"] == kind).sum()) for kind in KINDS},
        "pairs_across_datasets": by_dataset,
        "pairs_across_splits": _crossed(pairs, "split"),
        "expected_false_pairs": round(float((1 - pairs["p_same"][probable]).sum()), 3),
        "expected_share_of_pairs": share,
        "threshold": {"p_same": leaks.settings.p_same, "fmr": leaks.settings.fmr, "score": lowest},
        "search": {
            "index": leaks.search.index, "k": leaks.search.k, "recall": leaks.search.recall, "candidates": count,
        },
        "calibration": {
            "same": calibration.same, "different": calibration.different, "subjects": calibration.subjects,
            "finest_false_match_rate": calibration.finest_rate, "made_on": list(calibration.made_on),
            "verified_same": calibration.verified_same, "verified_different": calibration.verified_different,
        },
        "verified": len(leaks.verified),
        "could_not_be_verified": unverifiable,
        "conflicts": len(leaks.conflicts),
        "clusters": len(people),
        "clusters_across": _across(leaks),
        "largest_cluster_subjects": max(people, default=1),
        "edges_cut": int(pairs["cut"].sum()),
        "scans_moved": leaks.repaired.changed,
        "seconds": round(seconds, 1),
    }  # fmt: skip


def _crossed(pairs: pd.DataFrame, column: str) -> dict[str, int]:
    """How many pairs that are one person's lie across two values of a column."""
    chosen = pairs[pairs["kind"].isin([*FOUND, "same-id"])]
    one, two = chosen[f"{column}_a"], chosen[f"{column}_b"]
    there = (one != "") & (two != "") & (one != two)
    names = [" | ".join(sorted(both)) for both in zip(one[there], two[there], strict=True)]
    return {str(name): int(number) for name, number in pd.Series(names, dtype=str).value_counts().items()}


def _joining(leaks: Leaks) -> list[int]:
    """Clusters that join several ids."""
    together = pd.DataFrame({"cluster": leaks.clusters.of, "people": leaks.material.people})
    counts = together.groupby("cluster")["people"].nunique()
    return [int(number) for number in counts[counts > 1].index]


def _across(leaks: Leaks) -> int:
    """Clusters with scans on two splits or, without splits, in two data sets."""
    frame = pd.DataFrame({name: leaks.material.column(name) for name in ("split", "dataset")})
    frame["cluster"] = leaks.clusters.of
    told = frame[frame["split"] != ""] if (frame["split"] != "").any() else frame
    column = "split" if (frame["split"] != "").any() else "dataset"
    return int((told.groupby("cluster")[column].nunique() > 1).sum())
