from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BeforeValidator
from torch import nn

from mlfp.errors import ParameterError
from mlfp.parameters import check, convert, json_schema, parameters_of, said

if TYPE_CHECKING:
    from decimal import Decimal

Halved = Annotated[Any, BeforeValidator(lambda value: value / 2)]


def kernel(*, size: int, mode: Literal["mean", "median"] = "mean", weights: Path | None = None) -> None:
    """Filter.

    :param size: of the window
        in voxels.
    :param mode: what is taken of it.

    :raises ValueError: never.
    """


class Base:
    """A base.

    :param reducer: how values become one.
    """

    def __init__(self, kind: str, reducer: str = "mean") -> None:
        """Store."""


class Child(Base):
    """A child.

    :param margin: of the child.
    """

    def __init__(self, margin: float = 0.2, **kwargs: Any) -> None:
        super().__init__(kind="child", **kwargs)


class Module(nn.Module):
    def __init__(self, width: int = 8) -> None:
        super().__init__()


class Bare:
    pass


class Open:
    def __init__(self, **anything: Any) -> None:
        self.anything = anything


@dataclass(frozen=True)
class Settings:
    """Settings.

    :param low: the lower end.
    """

    low: float
    sizes: tuple[int, int] = (2, 3)


def unresolvable(*, amount: Decimal = 0) -> None:
    """Its annotation exists for type checkers only."""


class TestReading:
    def test_a_function(self):
        known, open_ended = parameters_of(kernel)
        assert not open_ended
        assert [item.describe() for item in known.values()] == [
            "size (int, required)",
            "mode ('mean' or 'median', default 'mean')",
            "weights (Path or null, default None)",
        ]

    def test_documentation_is_read_from_the_docstring(self):
        known, _ = parameters_of(kernel)
        assert known["size"].doc == "of the window in voxels."
        assert known["mode"].doc == "what is taken of it."
        assert known["weights"].doc == ""

    def test_a_dataclass(self):
        known, _ = parameters_of(Settings)
        assert (known["low"].doc, known["low"].required, known["sizes"].default) == ("the lower end.", True, (2, 3))

    def test_a_class_is_read_along_its_bases(self):
        known, open_ended = parameters_of(Child)
        assert (list(known), open_ended) == (["margin", "kind", "reducer"], False)
        assert known["reducer"].doc == "how values become one."

    def test_a_base_does_not_require(self):
        known, _ = parameters_of(Child)
        assert not known["kind"].required
        assert known["kind"].describe() == "kind (str)"

    def test_torch_takes_no_keywords_of_its_own(self):
        assert list(parameters_of(Module)[0]) == ["width"]

    @pytest.mark.parametrize("target", [Bare, object])
    def test_a_class_without_constructor_takes_nothing(self, target):
        assert parameters_of(target) == ({}, False)

    def test_what_takes_anything_says_so(self):
        assert parameters_of(Open) == ({}, True)
        assert parameters_of(lambda a, **rest: rest)[1]

    def test_an_annotation_for_type_checkers_only_is_any(self):
        assert parameters_of(unresolvable)[0]["amount"].type == "any"


class TestChecking:
    def check(self, target, context=(), **given):
        return check(target, given, component="widget", context=dict(context))

    def test_gives_what_was_given_and_what_is_taken_of_the_context(self):
        assert self.check(kernel, {"size": 3, "spatial_dims": 2}, mode="median") == {"size": 3, "mode": "median"}

    def test_what_the_user_gave_wins(self):
        assert self.check(kernel, {"size": 3}, size=5) == {"size": 5}

    def test_an_unknown_keyword_gets_the_nearest_and_the_list(self):
        with pytest.raises(ParameterError) as caught:
            self.check(kernel, {"size": 3}, mod="mean")
        assert caught.value.key == ("mod",)
        assert caught.value.hints == (
            "Did you mean: mode?",
            "It takes: mode ('mean' or 'median', default 'mean'), weights (Path or null, default None)",
        )

    def test_what_the_context_gives_is_not_offered(self):
        with pytest.raises(ParameterError, match="It takes no parameters"):
            self.check(Module, {"width": 3}, depth=2)

    def test_a_missing_one_comes_with_its_meaning(self):
        with pytest.raises(ParameterError, match="widget needs a value for size") as caught:
            self.check(kernel)
        assert caught.value.hints == ("size (int, required): of the window in voxels.",)

    def test_a_base_s_required_one_is_left_to_the_constructor(self):
        assert self.check(Child, margin=1) == {"margin": 1.0}

    def test_an_open_ended_target_takes_the_rest(self):
        assert self.check(Open, other=[1]) == {"other": [1]}

    def test_a_key_that_yaml_made_a_boolean_is_no_crash(self):
        with pytest.raises(ParameterError, match="has no parameter True"):
            check(kernel, {True: 1}, component="widget", context={"size": 1})


class TestConverting:
    @pytest.mark.parametrize(
        ("annotation", "value", "expected"),
        [
            (float, "1e-3", 1e-3),
            (float, 2, 2.0),
            (int, "7", 7),
            (int, "1e4", 10000),
            (int | None, "1e4", 10000),
            (int, 3.0, 3),
            (bool, True, True),
            (bool | Path, True, True),
            (bool | Path, "weights.pth", Path("weights.pth")),
            (float | None, None, None),
            (tuple[int, int], [2, 3], (2, 3)),
            (Sequence[str], ["T1", "T2"], ["T1", "T2"]),
            (Literal["a", "b"], "b", "b"),
            (Any, {"free": 1}, {"free": 1}),
            (float, {"use": "pml:LpDistance"}, {"use": "pml:LpDistance"}),
            (Halved, 3, 1.5),
            (nn.Module | None, None, None),
        ],
    )
    def test_good_values(self, annotation, value, expected):
        found = convert(annotation, value, what="x")
        assert found == expected
        assert type(found) is type(expected)

    @pytest.mark.parametrize(
        ("annotation", "value", "said"),
        [
            (float, "wide", "margin should be float, got 'wide'"),
            (float, True, "margin should be float, got True"),
            (int | None, False, "margin should be int or null, got False"),
            (float, float("nan"), "margin should be float, got nan"),
            (int, 2.5, "margin should be int, got 2.5"),
            (str, 3, "margin should be str, got 3"),
            (tuple[int, int], [1], "margin should be tuple[int, int], got [1]"),
            (Sequence[str], "T1", "margin should be Sequence[str], got 'T1'"),
            (Literal["mean", "median"], "medain", "margin should be 'mean' or 'median', got 'medain'"),
            (nn.Module, 3, "margin should be Module, got 3"),
        ],
    )
    def test_bad_values(self, annotation, value, said):
        with pytest.raises(ParameterError) as caught:
            convert(annotation, value, what="margin", key=("margin",))
        assert str(caught.value).splitlines()[0] == said
        assert caught.value.key == ("margin",)

    def test_the_nearest_choice_is_suggested(self):
        with pytest.raises(ParameterError, match="Did you mean: median"):
            convert(Literal["mean", "median"], "medain", what="mode")

    @settings(deadline=None, max_examples=60)
    @given(st.floats(allow_nan=False, allow_infinity=False))
    def test_text_of_a_number_is_that_number(self, value):
        assert convert(float, repr(value), what="x") == value


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (float, "float"),
        (int | None, "int or null"),
        (Literal["a", "b"] | None, "'a', 'b' or null"),
        (list[Path], "list[Path]"),
        (Halved, "any"),
        (Any, "any"),
    ],
)
def test_types_in_words(annotation, words):
    assert said(annotation) == words


class TestSchema:
    def test_says_types_defaults_meanings_and_what_is_required(self):
        assert json_schema(kernel) == {
            "title": "kernel",
            "type": "object",
            "properties": {
                "size": {"type": "integer", "description": "of the window in voxels."},
                "mode": {
                    "enum": ["mean", "median"],
                    "type": "string",
                    "default": "mean",
                    "description": "what is taken of it.",
                },
                "weights": {"anyOf": [{"format": "path", "type": "string"}, {"type": "null"}], "default": None},
            },
            "additionalProperties": False,
            "required": ["size"],
        }

    def test_leaves_out_what_the_engine_provides(self):
        assert "size" not in json_schema(kernel, without={"size"})["properties"]

    @pytest.mark.parametrize("target", [kernel, Child, Module, Bare, Open, Settings, unresolvable])
    def test_is_json(self, target):
        assert json.loads(json.dumps(json_schema(target)))["type"] == "object"

    def test_names_that_pydantic_reserves_are_fine(self):
        def odd(*, schema: int = 1, model_config: int = 2, copy: bool = False, _hidden: int = 3) -> None: ...

        assert set(json_schema(odd)["properties"]) == {"schema", "model_config", "copy", "_hidden"}

    def test_a_default_that_json_has_no_word_for_is_text(self):
        def odd(*, where: Path = Path("a") / "b", act: Any = nn.ReLU) -> None: ...

        properties = json_schema(odd)["properties"]
        assert properties["where"]["default"] == "a/b"
        assert "ReLU" in properties["act"]["default"]
