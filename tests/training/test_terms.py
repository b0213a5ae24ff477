"""How a batch's rows lie."""

from __future__ import annotations

from mlfp.training.terms import Layout


def test_pairs_are_scan_0_with_scan_k_within_every_view() -> None:
    # view 0: rows 0-1 scan 0, 2-3 scan 1, 4-5 scan 2; view 1: the same from 6 on
    pairs = Layout(views=2, scans=3, subjects=2).pairs()
    assert pairs is not None
    assert {tuple(pair) for pair in pairs.tolist()} == {
        (0, 2), (1, 3), (0, 4), (1, 5), (6, 8), (7, 9), (6, 10), (7, 11),
    }  # fmt: skip


def test_with_one_scan_the_views_are_paired() -> None:
    pairs = Layout(views=2, scans=1, subjects=3).pairs()
    assert pairs is not None
    assert pairs.tolist() == [[0, 3], [1, 4], [2, 5]]


def test_with_one_scan_in_one_view_there_are_no_pairs_by_construction() -> None:
    assert Layout(views=1, scans=1, subjects=5).pairs() is None


def test_one_view_is_a_block_of_rows() -> None:
    layout = Layout(views=2, scans=2, subjects=3)
    assert layout.select("first") == (slice(0, 6), Layout(1, 2, 3))
    assert layout.select("second") == (slice(6, 12), Layout(1, 2, 3))
    assert layout.select("both") == (slice(0, 12), layout)
