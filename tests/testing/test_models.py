"""The check of a model refuses what breaks its contract; test_contracts.py shows that it lets pass what keeps it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlfp.testing import ContractError, check_model


class TestModel:
    def test_a_path_that_is_not_there(self):
        with pytest.raises(ContractError, match="a path that is not there: nowhere"):
            check_model(lambda: Path("nowhere"))

    def test_a_file_that_is_no_model(self, tmp_path):
        (tmp_path / "model.safetensors").write_bytes(b"no model")
        with pytest.raises(ContractError, match=r"loading .* raised"):
            check_model(lambda: tmp_path / "model.safetensors")

    def test_a_model(self, tmp_path):
        from mlfp.fingerprints.model import describe, untrained
        from mlfp.types.spec import Spec

        card = describe(Spec("compact-2d"), shape=(1, 32, 32), embedding_dim=8)
        untrained(card, 0).save(tmp_path / "model.safetensors")
        check_model(lambda: tmp_path / "model.safetensors")
