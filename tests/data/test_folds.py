from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mlfp.data.folds import grouping, split_folds
from mlfp.data.splits import Split, split_subjects
from mlfp.errors import UsageError
from mlfp.types.scan_table import ScanTable


def table(subjects: int = 20, scans: int = 3, **columns: list[str]) -> ScanTable:
    rows = [{"scan": f"{s:02d}-{k}", "subject": f"{s:02d}"} for s in range(subjects) for k in range(scans)]
    frame = pd.DataFrame(rows)
    for name, values in columns.items():
        frame[name] = np.repeat(values, scans)
    return ScanTable(frame)


def sides(given: ScanTable, split: Split) -> dict[str, set[str]]:
    return {name: set(given.subjects[rows]) for name, rows in split}


def test_every_subject_that_is_not_tested_on_is_validated_on_once() -> None:
    given = table()
    whole = split_subjects(given, val=0.15, test=0.35)
    found = [sides(given, split) for split in split_folds(given, whole, folds=4)]
    tested = sides(given, whole)["test"]
    assert all(side["test"] == tested for side in found)
    assert all(side["train"] | side["val"] | tested == set(given.subjects) for side in found)
    validated = [subject for side in found for subject in side["val"]]
    assert len(validated) == len(set(validated)) == 13
    assert {len(side["val"]) for side in found} == {3, 4}


def test_groups_stay_together_and_folds_are_of_like_size() -> None:
    given = table(group=[f"family{s // 2}" for s in range(20)])
    whole = split_subjects(given, by="group", val=0.1, test=0.3)
    for split in split_folds(given, whole, by="group", folds=3):
        for rows in (split.train, split.val, split.test):
            families = [f"family{int(s) // 2}" for s in set(given.subjects[rows])]
            assert all(families.count(name) == 2 for name in families)


def test_the_order_of_rows_does_not_matter_and_the_seed_does() -> None:
    given = table()
    mixed = given.select(np.random.default_rng(0).permutation(len(given)))

    def of(given: ScanTable, seed: int) -> list[set[str]]:
        whole = split_subjects(given, val=0.15, test=0.35)
        return [sides(given, split)["val"] for split in split_folds(given, whole, folds=3, seed=seed)]

    assert of(mixed, 0) == of(given, 0)
    assert of(given, 1) != of(given, 0)


def test_more_folds_than_groups_are_refused() -> None:
    given = table(4, group=["a", "a", "b", "b"])
    whole = split_subjects(given, by="group", val=0, test=0.5)
    with pytest.raises(UsageError, match="1 values of 'group' cannot be shared out to 2 folds"):
        split_folds(given, whole, by="group", folds=2)


def test_families_are_kept_together_where_they_are_known_and_sites_where_there_are_enough() -> None:
    pairs = [f"f{s // 2}" for s in range(20)]
    sites = [f"site{s % 10}" for s in range(20)]
    assert grouping(table(), 4) == "subject"
    assert grouping(table(group=pairs, site=sites), 4) == "group"
    assert grouping(table(site=sites), 4) == "site"
    assert grouping(table(site=[f"site{s % 3}" for s in range(20)]), 4) == "subject", "three sites are too few"
    assert grouping(table(group=[""] * 20), 4) == "subject"
    assert grouping(table(group=[f"{s}" for s in range(20)]), 4) == "subject", "everybody is a family"
