from __future__ import annotations

import pytest

from mlfp.errors import ParameterError
from mlfp.evaluation.settings import EvaluationSpec
from mlfp.testing import assert_light_import


def test_a_name_is_enough() -> None:
    spec = EvaluationSpec.parse("few-shot")
    assert (spec.name, spec.spec.use, spec.spec.parameters) == ("few-shot", "few-shot", {})
    assert EvaluationSpec.parse("other/verification").name == "verification"


def test_what_is_not_the_evaluations_own_is_the_evaluators() -> None:
    spec = EvaluationSpec.parse(
        {
            "use": "retrieval",
            "name": "cross",
            "query": {"modality": "T1"},
            "gallery": {"modality": ["T2", "FLAIR"]},
            "move": {"rotate": "10", "shift": 1e1, "scale": 0.05},
            "ignore": "session",
            "k": [1, 3],
        }
    )
    assert spec.spec.parameters == {"k": [1, 3]}
    assert spec.move == {"rotate": 10.0, "shift": 10.0, "scale": 0.05}
    assert spec.ignore == ("session",)


def test_it_can_be_written_and_read_again() -> None:
    given = {
        "use": "retrieval",
        "name": "moved",
        "side": "val",
        "across": "modality",
        "move": {"rotate": 10.0},
        "derive": [{"use": "synthetic-contrast", "shift": 0.1}],
        "ignore": ["site"],
    }
    spec = EvaluationSpec.parse({**given, "k": [1]})
    assert EvaluationSpec.parse(spec.to_config()) == spec
    assert spec.to_config() == {**given, "k": [1]}


@pytest.mark.parametrize(
    ("value", "message", "key"),
    [
        ({"use": "retrieval", "name": "a.b"}, "without '.'", ("name",)),
        ({"use": "retrieval", "query": "T1"}, "query should map columns", ("query",)),
        ({"use": "retrieval", "gallery": {True: 1}}, "gallery should map columns", ("gallery",)),
        ({"use": "retrieval", "across": ["modality"]}, "across should be the name", ("across",)),
        ({"use": "retrieval", "move": 10}, "move should say how far", ("move",)),
        ({"use": "retrieval", "derive": "zscore"}, "derive should be a list", ("derive",)),
        ({"use": "retrieval", "derive": [{"negative": 1}]}, "use", ("derive", 0)),
        ({"use": "retrieval", "move": {"rotat": 10}}, "Did you mean: rotate", ("move", "rotat")),
        ({"use": "retrieval", "move": {"rotate": "far"}}, "should be float", ("move", "rotate")),
        ({"use": "retrieval", "move": {"rotate": -1}}, "0 or more", ("move", "rotate")),
        ({"use": "retrieval", "move": {"draws": 0}}, "1 or more", ("move", "draws")),
        ({"use": "retrieval", "move": {"draws": 1.5}}, "should be int", ("move", "draws")),
        ({"use": "retrieval", "side": "vla"}, "Did you mean: val", ("side",)),
        ({"use": "retrieval", "side": ["val"]}, "side should be one of test, val", ("side",)),
        ({"use": "retrieval", "ignore": [1]}, "list of columns", ("ignore",)),
    ],
)
def test_what_is_wrong_is_named(value: object, message: str, key: tuple[str, ...]) -> None:
    with pytest.raises(ParameterError) as caught:
        EvaluationSpec.parse(value)
    assert message in str(caught.value)
    assert caught.value.key == key


def test_the_test_side_goes_without_saying_and_leaves_an_evaluation_s_identity() -> None:
    assert EvaluationSpec.parse({"use": "retrieval", "side": "test"}) == EvaluationSpec.parse("retrieval")
    assert "side" not in EvaluationSpec.parse("retrieval").to_config()


def test_reading_an_evaluation_and_averaging_import_no_torch() -> None:
    assert_light_import("mlfp.evaluation.settings")
    assert_light_import("mlfp.evaluation.intervals")


def test_each_draw_is_an_evaluation_with_a_seed_of_its_own() -> None:
    once = EvaluationSpec.parse({"use": "retrieval", "move": {"shift": 5, "seed": 4}})
    assert once.draws() == (once,)
    several = EvaluationSpec.parse({"use": "retrieval", "move": {"shift": 5, "seed": 4, "draws": 3}})
    assert several.draws()[0] == once
    assert [draw.move for draw in several.draws()] == [{"shift": 5.0, "seed": seed} for seed in (4, 5, 6)]
    assert EvaluationSpec.parse(several.to_config()) == several
