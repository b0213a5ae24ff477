"""Gauges of collapse against the sums they stand for."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import cosine_similarity

from mlfp.training.gauges import gauges


@settings(deadline=None, max_examples=20)
@given(rows=st.integers(2, 9), seed=st.integers(0, 99))
def test_mean_distance_is_that_of_all_pairs(rows: int, seed: int) -> None:
    embeddings = torch.randn(rows, 5, generator=torch.Generator().manual_seed(seed)).double()
    pairs = list(itertools.combinations(embeddings, 2))
    cosine = sum(1 - float(cosine_similarity(a, b, dim=0)) for a, b in pairs) / len(pairs)
    euclid = sum(float((a - b).norm()) for a, b in pairs) / len(pairs)
    assert gauges(embeddings, "cosine")["mean_distance"] == pytest.approx(cosine)
    assert gauges(embeddings, "l2")["mean_distance"] == pytest.approx(euclid)


def test_a_point_and_a_line_show() -> None:
    point = torch.full((6, 4), 0.3)
    assert gauges(point) == pytest.approx({"mean_distance": 0.0, "effective_rank": 0.0}, abs=1e-6)
    line = torch.arange(6.0)[:, None] * torch.ones(1, 4)
    assert gauges(line, "l2")["effective_rank"] == pytest.approx(1.0)


def test_equal_spread_in_d_directions_has_rank_d() -> None:
    axes = torch.cat([torch.eye(4), -torch.eye(4)])
    assert gauges(axes, "l2")["effective_rank"] == pytest.approx(4.0)
    assert gauges(axes, "cosine")["mean_distance"] == pytest.approx(8 / 7)
