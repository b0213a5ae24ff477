from __future__ import annotations

import numpy as np
import pytest
from mlfp_plugins.evaluators.cross_modal import CrossModal

from mlfp.errors import ParameterError
from mlfp.evaluation.measure import Side, measure
from mlfp.evaluation.settings import EvaluationSpec
from mlfp.plugins import registry
from mlfp.testing.trials import trial
from mlfp.types.exhibit import Matrix

KINDS = ["T1", "T2", "FLAIR"]


def many(subjects: int = 12):
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(subjects), 3)
    vectors = rng.normal(size=(subjects, 6))[labels] + 0.8 * rng.normal(size=(3 * subjects, 6))
    return trial(labels, vectors, modality=KINDS * subjects)


def test_cells_are_what_across_gives() -> None:
    given = many()
    found = CrossModal()(given)
    spec = EvaluationSpec.parse({"use": "retrieval", "across": "modality"})
    side = Side(given.queries, vectors=given.query_vectors)
    across = measure(
        spec, registry().build("evaluator", spec.spec), side, side, similarity=lambda *_: given.similarity,
        distance="cosine", seed=0,
    )  # fmt: skip
    names = [name for name in found if "[" in name]
    assert len(names) == 12
    for name in ("hit_at_1", "map_at_r", *names):
        assert found[name].to_json() == across[name].to_json(), name
    shown = found.exhibits["hit_at_1"]
    assert isinstance(shown, Matrix)
    assert shown.row_names == ("FLAIR", "T1", "T2")
    assert np.isnan(np.diag(shown.values)).all()
    assert shown.values[1, 2] == found["hit_at_1[T1>T2]"].value
    assert found.notes == ("nobody is to be found in FLAIR>FLAIR, T1>T1, T2>T2",)


def test_the_diagonal_is_that_of_further_sessions() -> None:
    labels = np.repeat(np.arange(8), 4)
    vectors = np.random.default_rng(1).normal(size=(8, 6))[labels] + 0.01 * np.arange(32)[:, None]
    found = CrossModal(metrics=("mrr",))(trial(labels, vectors, modality=["T1", "T1", "T2", "T2"] * 8))
    assert found["mrr_within"].n == 32
    assert not found.notes


def test_there_is_somebody_to_find() -> None:
    with pytest.raises(ParameterError, match="no query has"):
        CrossModal()(trial([0, 1], np.eye(2), modality=["T1", "T2"]))
