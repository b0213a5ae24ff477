"""Checkpoints: what goes in comes out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from mlfp.errors import MlfpError, UsageError
from mlfp.training import checkpoint

TENSORS = st.sampled_from([torch.ones(2, 3), torch.tensor(1), torch.zeros(0), torch.ones(2, dtype=torch.bfloat16)])
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | TENSORS
STATES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(), inner)
        | st.dictionaries(st.integers(), inner)
    ),
    max_leaves=8,
)


def same(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return type(one) is type(other) and len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and bool(one == other)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(state=st.dictionaries(st.text(), STATES))
def test_what_is_written_is_read(state: dict[str, Any], tmp_path: Path) -> None:
    checkpoint.write(tmp_path / "c", state)
    assert same(checkpoint.read(tmp_path / "c"), state)


def test_what_would_need_pickle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MlfpError, match="holds a set") as caught:
        checkpoint.write(tmp_path / "c", {"optimizer": {"state": {1, 2}}})
    assert caught.value.where == "/optimizer/state"
    assert not (tmp_path / "c").exists()


def test_plain_attributes_are_state_too() -> None:
    class Bank(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("memory", torch.zeros(4))
            self.place, self.filled = 0, False

    one, other = nn.Sequential(Bank()), nn.Sequential(Bank())
    one[0].memory += 2
    one[0].place, one[0].filled = 3, True
    one.eval()
    checkpoint.load_module_state(other, checkpoint.module_state(one))
    assert (other[0].place, other[0].filled) == (3, True)
    assert torch.equal(other[0].memory, one[0].memory)
    assert other.training, "whether it trains is the loop's to say"


def test_a_file_that_is_no_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "c").write_bytes(b"nothing of the kind")
    with pytest.raises(UsageError, match="cannot be read as a checkpoint"):
        checkpoint.read(tmp_path / "c")
