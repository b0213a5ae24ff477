"""Streams by name, and lending them to code that draws from global state."""

from __future__ import annotations

import random

import numpy as np
import torch

from mlfp.seeds import derive, numpy_generator, seeded_globals, torch_generator


def draws() -> tuple[float, float, float]:
    return random.random(), float(np.random.random()), float(torch.rand(()))


def test_equal_names_give_equal_streams_and_other_names_others() -> None:
    assert derive(0, "a") == derive(0, "a")
    assert len({derive(0, "a"), derive("0", "a"), derive(0, "b"), derive(0), derive(0, "a", 0)}) == 5
    assert numpy_generator(1, "x").random() == numpy_generator(1, "x").random()
    assert torch.rand(3, generator=torch_generator(1)).equal(torch.rand(3, generator=torch_generator(1)))


def test_lent_streams_follow_from_their_name() -> None:
    with seeded_globals(0, "lent"):
        first = draws()
    with seeded_globals(0, "lent"):
        second = draws()
    with seeded_globals(1, "lent"):
        third = draws()
    assert first == second != third


def test_global_state_is_put_back_even_after_an_error() -> None:
    with seeded_globals("outer"):
        expected = [draws(), draws()]
    with seeded_globals("outer"):
        before = draws()
        try:
            with seeded_globals("inner"):
                draws()
                raise KeyError
        except KeyError:
            after = draws()
    assert [before, after] == expected
