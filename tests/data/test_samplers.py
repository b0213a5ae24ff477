"""Samplers: batches of the promised layout, from the seed alone."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlfp.data.samplers import RandomSampler, SubjectSampler
from mlfp.errors import UsageError
from mlfp.types.scan_table import ScanTable


def table(counts: list[int]) -> ScanTable:
    """Subject number n has counts[n] scans; rows are shuffled."""
    rows = [
        (f"S{subject:03d}_{scan}", f"S{subject:03d}") for subject, count in enumerate(counts) for scan in range(count)
    ]
    np.random.default_rng(len(rows)).shuffle(rows)
    return ScanTable(pd.DataFrame(rows, columns=["scan", "subject"]))


counts = st.lists(st.integers(1, 5), min_size=4, max_size=40).filter(lambda found: sum(n >= 3 for n in found) >= 2)


@given(counts, st.integers(2, 12), st.integers(1, 3), st.booleans(), st.integers(0, 5))
@settings(deadline=None, max_examples=80)
def test_a_batch_has_blocks_of_the_same_subjects_and_no_scan_twice(found, subjects, scans, repeats, epoch) -> None:
    scan_table = table(found)
    sampler = SubjectSampler(scan_table, subjects=subjects, scans=scans, seed=3, allow_repeats=repeats)
    batches = sampler.epoch(epoch)
    eligible = [n for n in found if repeats or n >= scans]
    assert sampler.left_out == len(found) - len(eligible)
    assert len(batches) == sampler.steps
    for batch in batches:
        width = min(subjects, len(eligible))
        assert batch.shape == (scans * width,)
        blocks = scan_table.subjects[batch].reshape(scans, width)
        assert (blocks == blocks[0]).all(), "the same order of subjects in each block"
        assert len(set(blocks[0])) == width, "different subjects"
        if not repeats:
            assert len(set(batch)) == len(batch), "different scans"


@given(counts, st.integers(2, 6), st.integers(0, 3))
@settings(deadline=None, max_examples=40)
def test_an_epoch_takes_every_subject_about_once(found, subjects, epoch) -> None:
    scan_table = table(found)
    sampler = SubjectSampler(scan_table, subjects=subjects, scans=1, seed=0)
    seen = Counter(scan_table.subjects[np.concatenate(sampler.epoch(epoch))])
    assert set(seen.values()) <= {1, 2}
    assert abs(sum(seen.values()) - len(found)) <= sampler.subjects // 2
    drawn_again = sum(count - 1 for count in seen.values())
    assert not (drawn_again and len(seen) < len(found)), "none comes twice while another does not come"


def test_all_scans_of_a_subject_come_up() -> None:
    scan_table = table([5] * 4)
    sampler = SubjectSampler(scan_table, subjects=4, scans=2, seed=0)
    assert len(set(np.concatenate([batch for epoch in range(40) for batch in sampler.epoch(epoch)]))) == 20


def test_batches_follow_from_seed_and_epoch_and_not_from_the_order_of_rows() -> None:
    scan_table = table([3] * 20)
    turned = scan_table.select(np.arange(len(scan_table))[::-1])

    def scans(table_: ScanTable, seed: int, epoch: int) -> list[list[str]]:
        found = SubjectSampler(table_, subjects=8, scans=2, seed=seed).epoch(epoch)
        return [list(table_.scans[batch]) for batch in found]

    assert scans(scan_table, 1, 4) == scans(turned, 1, 4)
    assert scans(scan_table, 1, 4) != scans(scan_table, 1, 5)
    assert scans(scan_table, 1, 4) != scans(scan_table, 2, 4)


@pytest.mark.parametrize("world", [2, 3])
def test_processes_share_out_the_subjects_of_a_step(world: int) -> None:
    scan_table = table([2] * 30)
    ranks = [SubjectSampler(scan_table, subjects=4, scans=2, seed=0, rank=rank, world=world) for rank in range(world)]
    assert len({sampler.steps for sampler in ranks}) == 1
    for step in zip(*(sampler.epoch(0) for sampler in ranks), strict=True):
        subjects = [set(scan_table.subjects[batch]) for batch in step]
        assert sum(map(len, subjects)) == len(set().union(*subjects)) == 4 * world


def test_too_few_subjects_with_enough_scans_are_refused_with_numbers() -> None:
    with pytest.raises(UsageError, match="1 of 4 subjects have the 2 scans"):
        SubjectSampler(table([2, 1, 1, 1]), subjects=4, scans=2, seed=0)
    SubjectSampler(table([2, 1, 1, 1]), subjects=4, scans=2, seed=0, allow_repeats=True)


@given(st.integers(4, 50), st.integers(2, 20), st.integers(1, 2))
@settings(deadline=None, max_examples=40)
def test_random_batches_have_one_size_and_no_scan_twice(count: int, size: int, world: int) -> None:
    scan_table = table([1] * count)
    samplers = [RandomSampler(scan_table, size=size, seed=0, rank=rank, world=world) for rank in range(world)]
    for step in zip(*(sampler.epoch(1) for sampler in samplers), strict=True):
        rows = np.concatenate(step)
        assert len(set(rows)) == len(rows) == min(size, count // world) * world
    assert len(samplers[0].epoch(1)) == samplers[0].steps
    assert not np.array_equal(samplers[0].epoch(0)[0], samplers[0].epoch(1)[0]) or count < 8
