"""Chains: hashed by what decides their numbers, and by nothing else."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from mlfp.data.chain import Chain
from mlfp.errors import ParameterError, ScanError
from mlfp.plugins import registry
from mlfp.types.spec import Spec
from mlfp.types.volume import Volume


def test_the_key_depends_on_steps_their_order_and_their_values(chain) -> None:
    keys = [
        chain().key,
        chain("zscore").key,
        chain("zscore", {"use": "pad", "shape": 8}).key,
        chain({"use": "pad", "shape": 8}, "zscore").key,
        chain("zscore", {"use": "pad", "shape": 9}).key,
        chain("zscore", {"use": "pad", "shape": [8, 9]}).key,
    ]
    assert len(set(keys)) == len(keys)


def test_the_key_does_not_depend_on_how_a_step_is_written(chain) -> None:
    assert chain("zscore").key == chain({"use": "mlfp/zscore"}).key
    assert chain({"use": "resample", "spacing": 3}).key == chain({"use": "resample", "spacing": 3.0}).key
    assert chain({"use": "pad", "shape": (8, 9)}).key == chain({"use": "pad", "shape": [8, 9]}).key


def test_the_key_changes_with_a_component_s_version(chain, monkeypatch: pytest.MonkeyPatch) -> None:
    before = chain("zscore").key
    component = registry().find("preprocessor", "zscore")
    object.__setattr__(component, "version", component.version + 1)
    monkeypatch.setattr("mlfp.data.chain.registry", registry)
    try:
        assert chain("zscore").key != before
    finally:
        object.__setattr__(component, "version", component.version - 1)


def test_a_chain_can_be_written_down_put_behind_another_step_and_sent_to_a_worker(chain) -> None:
    whole = chain({"use": "pad", "shape": 4}, "zscore")
    moved = whole.prepended(Spec("move", {"rotate": 5}))
    assert moved.to_config() == [{"use": "move", "rotate": 5}, {"use": "pad", "shape": 4}, {"use": "zscore"}]
    whole.check()
    assert pickle.loads(pickle.dumps(whole)).key == whole.key


def test_numbers_written_as_text_are_numbers(chain) -> None:
    volume = Volume(np.random.default_rng(0).normal(size=(1, 8, 8)), scan="a")
    assert chain({"use": "pad", "shape": "4"})(volume).shape == (4, 4)


def test_an_error_names_the_scan_and_the_step(chain) -> None:
    with pytest.raises(ScanError) as caught:
        chain("crop", "zscore")(Volume(np.zeros((1, 4, 4, 4)), scan="scan7"))
    assert caught.value.where == "scan7, in crop"


def test_a_step_that_breaks_its_contract_is_told() -> None:
    class Broken:
        def __call__(self, volume: Volume) -> Volume:
            return Volume(volume.data, np.eye(7), volume.scan)

    broken = Chain(())
    broken.__dict__.update(steps=(Broken(),), specs=(Spec("broken"),))
    with pytest.raises(ScanError, match="affine"):
        broken(Volume(np.random.default_rng(0).normal(size=(1, 4, 4)), scan="a"))


def test_places_in_the_chain_are_part_of_the_error(chain) -> None:
    with pytest.raises(ParameterError) as caught:
        chain("zscore", {"use": "slice", "axis": "axal"}).check()
    assert caught.value.key == (1, "axis")
