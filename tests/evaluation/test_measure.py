from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlfp.errors import ParameterError
from mlfp.evaluation.measure import Side, measure
from mlfp.evaluation.settings import EvaluationSpec
from mlfp.evaluation.similarity import VectorSimilarity
from mlfp.plugins import registry
from mlfp.types.estimate import Estimate
from mlfp.types.scan_table import ScanTable
from mlfp.types.trial import Trial


class Listening:
    """An evaluator that keeps the trials it was given."""

    needs = "ranking"

    def __init__(self) -> None:
        self.trials: list[Trial] = []

    def __call__(self, trial: Trial) -> dict[str, Estimate]:
        self.trials.append(trial)
        return {"queries": Estimate(len(trial.queries), 0, 0, len(trial.queries))}


def side(subjects: int = 6, seed: int = 0) -> Side:
    rows = [(f"{person}-{kind}", f"{person}", kind) for person in range(subjects) for kind in ("T1", "T2", "FLAIR")]
    table = ScanTable(pd.DataFrame(rows, columns=["scan", "subject", "modality"]), source="toy")
    return Side(table, vectors=np.random.default_rng(seed).normal(size=(len(rows), 4)).astype(np.float32))


def similarity(queries: Side, gallery: Side) -> VectorSimilarity:
    assert queries.vectors is not None
    assert gallery.vectors is not None
    return VectorSimilarity(queries.vectors, gallery.vectors, "cosine")


def measured(value: Any, evaluator: Any = None, *, queries: Side | None = None) -> dict[str, Estimate]:
    spec = EvaluationSpec.parse(value)
    evaluator = evaluator or registry().build("evaluator", spec.spec)
    asking = queries or side()
    return measure(spec, evaluator, asking, side(), similarity=similarity, distance="cosine", seed=0)


def test_filters_choose_scans_and_what_is_known_of_them() -> None:
    listening = Listening()
    asking = side(seed=5)
    measured(
        {"use": "retrieval", "query": {"modality": "T1"}, "gallery": {"modality": ["T2"]}}, listening, queries=asking
    )
    (trial,) = listening.trials
    assert set(trial.queries.column("modality")) == {"T1"}
    assert set(trial.gallery.column("modality")) == {"T2"}
    assert trial.query_vectors is not None
    assert trial.gallery_vectors is not None
    whole = similarity(asking, side()).block(np.arange(18), np.arange(18))
    block = trial.similarity.block(np.arange(6), np.arange(6))
    np.testing.assert_allclose(block, whole[0::3, 1::3], atol=1e-6)
    own = VectorSimilarity(trial.query_vectors, trial.gallery_vectors).block(np.arange(6), np.arange(6))
    np.testing.assert_allclose(block, own, atol=1e-6)


def test_across_compares_every_ordered_pair_and_pools_them() -> None:
    found = measured({"use": "retrieval", "across": "modality"})
    pairs = [name for name in found if name.startswith("map_at_r[")]
    assert pairs == [
        f"map_at_r[{one}>{other}]" for one in ("FLAIR", "T1", "T2") for other in ("FLAIR", "T1", "T2") if one != other
    ]
    assert found["map_at_r"].n == 36
    assert found["map_at_r"].value == pytest.approx(np.mean([found[name].value for name in pairs]))
    single = measured({"use": "retrieval", "query": {"modality": "T1"}, "gallery": {"modality": "FLAIR"}})
    assert found["map_at_r[T1>FLAIR]"].to_json() == single["map_at_r"].to_json()


def test_across_goes_with_filters() -> None:
    listening = Listening()
    measured({"use": "retrieval", "across": "modality", "query": {"modality": "T1"}}, listening)
    kinds = [(set(t.queries.column("modality")), set(t.gallery.column("modality"))) for t in listening.trials]
    assert kinds == [({"T1"}, {"FLAIR"}), ({"T1"}, {"T2"})]


@pytest.mark.parametrize(
    ("value", "message", "key"),
    [
        ({"use": "retrieval", "query": {"modality": "PD"}}, "no scan of toy has modality = PD", ("query",)),
        ({"use": "retrieval", "gallery": {"modalty": "T1"}}, "Did you mean: modality", ("gallery",)),
        ({"use": "retrieval", "across": "site"}, "no column 'site'", ("across",)),
        ({"use": "retrieval", "ignore": ["sesion"]}, "no column 'sesion'", ("ignore",)),
        (
            {"use": "retrieval", "across": "modality", "query": {"modality": "T1"}, "gallery": {"modality": "T1"}},
            "only 'T1'",
            ("across",),
        ),
    ],
)
def test_what_is_not_in_the_table_is_named(value: Any, message: str, key: tuple[str, ...]) -> None:
    with pytest.raises(ParameterError) as caught:
        measured(value)
    assert message in str(caught.value)
    assert caught.value.key == key


def test_an_error_says_in_which_pair() -> None:
    with pytest.raises(ParameterError, match="across modality: FLAIR>T1") as caught:
        measured({"use": "few-shot", "ways": 7, "across": "modality"})
    assert "6 of 6 subjects" in str(caught.value)
