"""Scans of a subject that keep a rule: all sets that do, equally often."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mlfp.data.pairs import PairDrawer, PairRule
from mlfp.data.samplers import SubjectSampler
from mlfp.errors import ParameterError, UsageError
from mlfp.types.scan_table import ScanTable


def table(*subjects: str) -> ScanTable:
    """A subject's modalities, a letter a scan; a dot is a scan of which none is known."""
    rows = [
        (f"{subject}-{scan}", f"S{subject}", None if letter == "." else letter)
        for subject, letters in enumerate(subjects)
        for scan, letter in enumerate(letters)
    ]
    return ScanTable(pd.DataFrame(rows, columns=["scan", "subject", "modality"]))


def allowed(letters: str, rule: str, scans: int) -> set[tuple[int, ...]]:
    """All ordered sets that keep the rule, by trying every one."""
    fits = {
        "same": lambda values: len(set(values)) == 1 and "." not in values,
        "different": lambda values: len(set(values)) == len(values) and "." not in values,
        "any": lambda values: True,
    }[rule]
    return {drawn for drawn in itertools.permutations(range(len(letters)), scans) if fits([letters[n] for n in drawn])}


@pytest.mark.parametrize("rule", ["same", "different", "any"])
@pytest.mark.parametrize(("letters", "scans"), [("AAAB", 2), ("AABBBC.", 2), ("AAABBCCD", 3), ("AB..", 2)])
def test_every_set_that_keeps_the_rule_is_equally_likely(letters: str, scans: int, rule: str) -> None:
    expected = allowed(letters, rule, scans)
    drawer = PairDrawer(table(letters), PairRule("modality", rule), scans)  # type: ignore[arg-type]
    rows = np.arange(len(letters))
    assert drawer.can(rows) == bool(expected)
    if not expected:
        return
    generator = np.random.default_rng(0)
    found = Counter(tuple(drawer.draw(rows, generator).tolist()) for _ in range(30 * len(expected)))
    assert set(found) == expected
    assert stats.chisquare(list(found.values())).pvalue > 1e-3


@given(st.text("ABC.", min_size=1, max_size=6), st.integers(1, 4), st.sampled_from(["same", "different"]))
@settings(deadline=None, max_examples=80)
def test_a_subject_is_drawn_if_some_scans_of_it_keep_the_rule(letters: str, scans: int, rule: str) -> None:
    expected = allowed(letters, rule, scans)
    drawer = PairDrawer(table(letters), PairRule("modality", rule), scans)  # type: ignore[arg-type]
    rows = np.arange(len(letters))
    assert drawer.can(rows) == bool(expected)
    if len(letters) >= scans:
        drawn = drawer.draw(rows, np.random.default_rng(0)).tolist()
        assert len(set(drawn)) == scans
        assert not expected or tuple(drawn) in expected


SUBJECTS = ["AB", "AAB", "AA", "BB", "A", "ABC", "A."]


@pytest.mark.parametrize(
    ("rule", "drawn"), [("different", {0, 1, 5}), ("same", {1, 2, 3}), ("any", {0, 1, 2, 3, 5, 6})]
)
def test_subjects_that_cannot_keep_the_rule_are_left_out_and_counted(rule: str, drawn: set[int]) -> None:
    scans = table(*SUBJECTS)
    pair = PairRule("modality", rule)  # type: ignore[arg-type]
    sampler = SubjectSampler(scans, subjects=8, scans=2, seed=0, pair=pair)
    batches = [batch.reshape(2, -1) for epoch in range(20) for batch in sampler.epoch(epoch)]
    assert {name for batch in batches for name in scans.subjects[batch].ravel()} == {f"S{place}" for place in drawn}
    assert sampler.left_out == len(SUBJECTS) - len(drawn)
    values = scans.column("modality")
    for first, second in np.concatenate(batches, axis=1).T:
        assert scans.subjects[first] == scans.subjects[second]
        assert first != second
        assert rule == "any" or (values[first] == values[second]) == (rule == "same")


def test_preferring_draws_the_others_too() -> None:
    scans = table(*SUBJECTS)
    sampler = SubjectSampler(scans, subjects=8, scans=2, seed=0, pair=PairRule("modality", "different", prefer=True))
    assert sampler.left_out == 1
    pairs = np.concatenate([batch.reshape(2, -1) for epoch in range(20) for batch in sampler.epoch(epoch)], axis=1)
    values = scans.column("modality")
    kept = {name: set() for name in scans.subjects}
    for first, second in pairs.T:
        kept[scans.subjects[first]].add(values[first] != values[second])
    assert {name for name, found in kept.items() if found == {True}} >= {"S0", "S1", "S5"}
    assert kept["S2"] == kept["S3"] == {False}


def test_draws_follow_from_seed_and_epoch_and_processes_share_no_subject() -> None:
    scans = table(*["AABB"] * 30)
    turned = scans.select(np.arange(len(scans))[::-1])
    pair = PairRule("modality", "different")

    def names(source: ScanTable, seed: int, epoch: int, rank: int = 0) -> list[list[str]]:
        sampler = SubjectSampler(source, subjects=5, scans=2, seed=seed, rank=rank, world=2, pair=pair)
        return [source.scans[batch].tolist() for batch in sampler.epoch(epoch)]

    assert names(scans, 0, 0) == names(turned, 0, 0)
    assert len({str(names(scans, seed, epoch, rank)) for seed in (0, 1) for epoch in (0, 1) for rank in (0, 1)}) == 8
    for one, other in zip(names(scans, 0, 0), names(scans, 0, 0, rank=1), strict=True):
        assert not {name.split("-")[0] for name in one} & {name.split("-")[0] for name in other}


def test_what_cannot_be_drawn_says_so() -> None:
    with pytest.raises(UsageError, match=r"1 of 3 subjects have the 2 scans \(different modality\)"):
        SubjectSampler(table("AB", "AA", "A"), subjects=2, scans=2, seed=0, pair=PairRule("modality", "different"))
    with pytest.raises(ParameterError, match="has no column 'sequence'"):
        SubjectSampler(table("AB", "AB"), subjects=2, scans=2, seed=0, pair=PairRule("sequence", "same"))
