"""Splits: disjoint by subject whatever is asked for, and the same whatever the order of rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlfp.data.splits import Split, check_disjoint, split_by_column, split_subjects
from mlfp.errors import ParameterError, UsageError
from mlfp.types.scan_table import ScanTable


def table(subjects: list[str], **columns: list[str]) -> ScanTable:
    scans = [f"scan{place:03d}" for place in range(len(subjects))]
    return ScanTable(pd.DataFrame({"scan": scans, "subject": subjects, **columns}), source="scans.csv")


def sides(split: Split, scans: ScanTable) -> dict[str, str]:
    return {scans.scans[row]: side for side, rows in split for row in rows}


subject_lists = st.lists(st.integers(0, 30).map(lambda number: f"S{number:02d}"), min_size=20, max_size=80).filter(
    lambda names: len(set(names)) >= 6
)


@given(subject_lists, st.integers(0, 9), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=60)
def test_every_scan_has_one_side_no_subject_has_two_and_order_does_not_matter(names, seed, random) -> None:
    scans = table(names)
    split = split_subjects(scans, seed=seed)
    assert sorted(np.concatenate([rows for _, rows in split])) == list(range(len(scans)))
    on = [set(scans.subjects[rows]) for _, rows in split]
    assert sum(map(len, on)) == len(set().union(*on))
    order = list(range(len(scans)))
    random.shuffle(order)
    shuffled = scans.select(order)
    again = split_subjects(shuffled, seed=seed)
    assert sides(again, shuffled) == sides(split, scans)
    assert again.digest == split.digest


@given(st.integers(10, 60), st.floats(0, 0.4), st.floats(0.05, 0.5), st.integers(0, 99))
@settings(deadline=None, max_examples=60)
def test_sides_have_their_share_of_subjects(count: int, val: float, test: float, seed: int) -> None:
    split = split_subjects(table([f"S{number}" for number in range(count)]), val=val, test=test, seed=seed)
    assert len(split.test) == max(1, round(test * count))
    assert len(split.val) == (max(1, round(val * count)) if val else 0)


@given(subject_lists, st.lists(st.integers(0, 7), min_size=80, max_size=80), st.integers(0, 9))
@settings(deadline=None, max_examples=60)
def test_a_group_stays_together_and_so_do_subjects_that_share_one(names, numbers, seed) -> None:
    groups = [f"G{numbers[place]}" if numbers[place] else "" for place in range(len(names))]
    scans = table(names, group=groups)
    try:
        split = split_subjects(scans, by="group", seed=seed)
    except UsageError:
        return  # all subjects hang together
    side = sides(split, scans)
    for column in (scans.subjects, np.array(groups)):
        for value in set(column) - {""}:
            assert len({side[scan] for scan in scans.scans[column == value]}) == 1


def test_another_seed_gives_another_split_and_the_same_seed_the_same() -> None:
    scans = table([f"S{number}" for number in range(40)])
    assert split_subjects(scans, seed=1).digest == split_subjects(scans, seed=1).digest
    assert split_subjects(scans, seed=1).digest != split_subjects(scans, seed=2).digest


def test_few_subjects_change_sides_when_one_is_added() -> None:
    names = [f"S{number}" for number in range(100)]
    before, after = table(names), table([*names, "new"])
    old, new = sides(split_subjects(before), before), sides(split_subjects(after), after)
    assert sum(old[scan] != new[scan] for scan in old) <= 2


def test_shares_and_groups_that_leave_a_side_empty_are_refused() -> None:
    scans = table(["A", "A", "B", "B"], site=["x", "x", "x", "x"])
    with pytest.raises(UsageError, match="leaves no subject to train on"):
        split_subjects(scans, by="site")
    with pytest.raises(UsageError, match="leaves no subject to train on"):
        split_subjects(scans)
    with pytest.raises(UsageError, match="shares"):
        split_subjects(scans, val=0.5, test=0.5)
    assert len(split_subjects(scans, val=0.0, test=1.0, trains=False).test) == 4
    with pytest.raises(ParameterError, match="no column 'sit'") as caught:
        split_subjects(scans, by="sit")
    assert "Did you mean: site?" in caught.value.hints


def test_a_column_tells_the_split_under_its_usual_names() -> None:
    scans = table(["A", "B", "C", "D"], split=["train", "Validation", "TEST", "training"])
    split = split_by_column(scans)
    assert [list(rows) for _, rows in split] == [[0, 3], [1], [2]]


def test_a_column_with_a_subject_on_two_sides_is_refused_by_name() -> None:
    scans = table(["A", "B", "A"], split=["train", "test", "test"])
    with pytest.raises(UsageError, match="1 subject stands on two sides of the split of") as caught:
        split_by_column(scans)
    assert "A is in train and test" in caught.value.hints


@pytest.mark.parametrize("value", ["", "holdout"])
def test_a_column_with_another_word_is_refused(value: str) -> None:
    with pytest.raises(UsageError, match=r"for scan scan001"):
        split_by_column(table(["A", "B", "C"], split=["train", value, "test"]))


def test_a_column_without_test_is_refused() -> None:
    with pytest.raises(UsageError, match="leaves no subject to test on") as caught:
        split_by_column(table(["A", "B"], split=["train", "train"]))
    assert "into 'split'" in caught.value.hints[-1]


def test_a_torn_subject_is_found_in_any_split() -> None:
    scans = table(["A", "B", "A"])
    with pytest.raises(UsageError, match="two sides"):
        check_disjoint(scans, Split(np.array([0]), np.array([1]), np.array([2]), ""))
    check_disjoint(scans, Split(np.array([0, 2]), np.array([1]), np.array([], dtype=int), ""))
