from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlfp.errors import (
    AmbiguousComponentError,
    ComponentImportError,
    MlfpError,
    ParameterError,
    PluginError,
    UnknownComponentError,
)
from mlfp.registry import Component, Registry
from mlfp.types.spec import Spec


class Widget:
    def __init__(self, size: int = 1, distance: str = "cosine") -> None:
        self.size = size
        self.distance = distance


class Refusing:
    def __init__(self, error: str = "AssertionError") -> None:
        errors = {"AssertionError": AssertionError(), "KeyError": KeyError("mode"), "ImportError": ImportError("no x")}
        raise errors[error]


def component(name: str, plugin: str = "mlfp", kind: str = "loss", **others: object) -> Component:
    told = {"target": f"{__name__}:Widget", "summary": "A widget.", "distribution": f"{plugin}-dist"}
    return Component(kind=kind, plugin=plugin, name=name, distribution_version="1.0", **{**told, **others})


def registry(*components: Component) -> Registry:
    made = Registry()
    for _, group in itertools.groupby(components, key=lambda item: item.plugin):
        made.add(list(group))
    return made


class TestNames:
    def test_a_bare_name_means_the_built_in(self):
        found = registry(component("triplet", "other"), component("triplet")).find("loss", "triplet")
        assert found.id == "mlfp/triplet"

    def test_a_bare_name_means_the_only_plugin_that_has_it(self):
        assert registry(component("arc", "other")).find("loss", "arc").id == "other/arc"

    def test_a_bare_name_of_two_plugins_is_an_error_that_lists_them(self):
        both = registry(component("arc", "one"), component("arc", "two"))
        with pytest.raises(AmbiguousComponentError, match="one/arc or two/arc"):
            both.find("loss", "arc")
        assert both.find("loss", "two/arc").plugin == "two"

    @pytest.mark.parametrize("name", ["Soft-Margin", "soft_margin", "SOFT_MARGIN", "other/Soft_Margin"])
    def test_case_and_underscores_do_not_matter(self, name):
        assert registry(component("soft-margin", "other")).find("loss", name).name == "soft-margin"

    def test_an_alias_is_a_name(self):
        found = registry(component("easy-positive-semihard", aliases=("epshn",)))
        assert found.find("loss", "epshn").id == "mlfp/easy-positive-semihard"
        assert found.find("loss", "mlfp/epshn").id == "mlfp/easy-positive-semihard"

    def test_installing_a_plugin_changes_no_name_that_worked(self):
        before = registry(component("triplet"), component("arc", "one", aliases=("a",)))
        known = {name: before.find("loss", name).id for name in ("triplet", "one/arc", "mlfp/triplet")}
        before.add([component("triplet", "two"), component("x", "two", aliases=("triplets",))])
        assert {name: before.find("loss", name).id for name in known} == known

    def test_kinds_are_apart(self):
        both = registry(component("hard", kind="miner"), component("hard", kind="loss"))
        assert both.find("miner", "hard").kind == "miner"


class TestUnknown:
    def test_suggests_the_nearest_names_and_the_command(self):
        error = _refusal(registry(component("triplet"), component("arc", "one")), "tripelt")
        assert "unknown loss 'tripelt'" in error
        assert "Did you mean: triplet" in error
        assert "Known: triplet, one/arc" in error
        assert "mlfp plugins list --kind loss" in error

    def test_suggests_aliases(self):
        assert "nt-xent" in _refusal(registry(component("infonce", aliases=("nt-xent",))), "ntxent")

    @pytest.mark.parametrize("name", ["hard", "mlfp/hard"])
    def test_a_name_of_another_kind_is_pointed_out(self, name):
        error = _refusal(registry(component("hard", kind="miner"), component("a")), name)
        assert f"'{name}' is the name of a miner." in error

    @pytest.mark.parametrize(
        ("given", "meant"),
        [
            ("/some/scans.csv", "{use: manifest, path: /some/scans.csv}"),
            ("scans.parquet", "{use: manifest, path: scans.parquet}"),
            ("/some/tree", "{use: folder, path: /some/tree}"),
            ("bids:/some/tree", "{use: bids, path: /some/tree}"),
        ],
    )
    def test_a_path_in_place_of_a_data_set_is_answered_with_the_data_set_that_reads_it(self, given, meant):
        made = registry(*(component(name, kind="dataset") for name in ("bids", "folder", "manifest")))
        with pytest.raises(UnknownComponentError) as caught:
            made.find("dataset", given)
        assert f"Write: {meant}" in caught.value.hints

    @pytest.mark.parametrize("given", ["manifests", "nobody:/some/tree"])
    def test_what_is_no_path_of_a_data_set_is_not(self, given):
        with pytest.raises(UnknownComponentError) as caught:
            registry(component("manifest", kind="dataset")).find("dataset", given)
        assert not any("Write" in hint for hint in caught.value.hints)

    def test_nothing_of_a_kind(self):
        assert "No plugin offers any loss." in _refusal(Registry(), "triplet")

    def test_a_look_up_in_an_absent_plugin_says_why_it_is_absent(self):
        made = Registry(absent={"bad-one": "plugin 'bad-one' (bad 0.2) was skipped: ImportError: no x"})
        error = _refusal(made, "Bad_One/arc")
        assert error == "loss 'Bad_One/arc' is not there: plugin 'bad-one' (bad 0.2) was skipped: ImportError: no x"

    def test_a_bare_name_may_be_of_an_absent_plugin(self):
        made = Registry(absent={"bad": "plugin 'bad' (bad 0.2) was skipped: ImportError: no x"})
        assert "It may be there, but plugin 'bad' (bad 0.2) was skipped" in _refusal(made, "arc")
        assert "skipped" not in _refusal(made, "mlfp/arc")

    def test_is_a_lookup_error_that_prints_as_text(self):
        with pytest.raises(LookupError) as caught:
            Registry().find("loss", "x")
        assert "\n" in str(caught.value)  # KeyError would print its repr
        assert caught.value.key == ("use",)


class TestAdding:
    def test_a_taken_name_names_both_and_adds_nothing(self):
        made = registry(component("arc", "one"))
        with pytest.raises(PluginError, match="one/arc is registered twice") as caught:
            made.add([component("new", "one"), component("arc", "one", target="other.place:Arc")])
        assert f"{__name__}:Widget, from one-dist 1.0" in str(caught.value)
        assert "other.place:Arc" in str(caught.value)
        assert [item.name for item in made.components()] == ["arc"]

    def test_ids_are_never_overwritten(self):
        made = registry(component("arc", "one"))
        first = made.find("loss", "one/arc")
        with pytest.raises(PluginError):
            made.add([component("other", "one", aliases=("arc",))])
        assert made.find("loss", "one/arc") is first

    def test_twice_within_one_plugin(self):
        with pytest.raises(PluginError, match="registered twice"):
            registry(component("a", "one", aliases=("b",)), component("b", "one"))

    @pytest.mark.parametrize(
        ("broken", "said"),
        [
            ({"name": "Soft Margin"}, "lower-case words joined by hyphens"),
            ({"name": "a", "aliases": ("A",)}, "lower-case words joined by hyphens"),
            ({"name": "a", "target": "module.Class"}, "should be 'module:attribute'"),
            ({"name": "a", "target": "module:"}, "should be 'module:attribute'"),
            ({"name": "a", "target": Widget}, "A text, so that registering imports nothing"),
            ({"name": "a", "kind": "metric"}, "unknown kind of component 'metric'"),
            ({"name": "a", "summary": " "}, "needs a summary"),
            ({"name": "a", "dims": (2, 4)}, "dims .* should be of 2 and 3"),
        ],
    )
    def test_what_is_malformed_is_refused(self, broken, said):
        with pytest.raises(PluginError, match=said):
            Registry().add([component(**broken)])

    @settings(deadline=None, max_examples=60)
    @given(st.lists(st.tuples(st.sampled_from(["one", "two", "mlfp"]), st.sampled_from("abc")), max_size=8))
    def test_every_id_finds_itself_or_was_refused(self, wanted):
        made, accepted = Registry(), set()
        for plugin, name in wanted:
            try:
                made.add([component(name, plugin)])
                accepted.add(f"{plugin}/{name}")
            except PluginError:
                assert f"{plugin}/{name}" in accepted
        assert {item.id for item in made.components("loss")} == accepted
        assert all(made.find("loss", name).id == name for name in accepted)


class TestListing:
    def test_order_is_of_kinds_then_built_ins_then_ids(self):
        made = registry(
            component("z", "a-plugin"), component("y"), component("x", kind="dataset"), component("b"), component("a")
        )
        assert [item.id for item in made.components()] == ["mlfp/x", "mlfp/a", "mlfp/b", "mlfp/y", "a-plugin/z"]

    @pytest.mark.parametrize("pattern", ["*resnet*", "mlfp/ResNet*", "resnet18_2d", "r18"])
    def test_patterns_fit_ids_names_and_aliases(self, pattern):
        made = registry(component("resnet18-2d", kind="encoder", aliases=("r18",)), component("triplet"))
        assert [item.name for item in made.components(pattern=pattern)] == ["resnet18-2d"]

    def test_a_component_with_aliases_is_listed_once(self):
        assert len(registry(component("a", aliases=("b", "c"))).components("loss")) == 1


class TestLoading:
    def test_a_missing_extra_is_named(self):
        broken = component("brain", "one", target="no_such_module_here:Brain", extras=("spectrum", "cpu"))
        with pytest.raises(ComponentImportError) as caught:
            broken.load()
        assert "loss one/brain cannot be imported: No module named 'no_such_module_here'" in str(caught.value)
        assert "no_such_module_here:Brain, from one-dist 1.0" in str(caught.value)
        assert "pip install 'one-dist[spectrum,cpu]'" in str(caught.value)
        assert isinstance(caught.value, ImportError)

    def test_a_missing_attribute(self):
        with pytest.raises(ComponentImportError, match="has no attribute 'Nothing'"):
            component("a", target=f"{__name__}:Nothing").load()

    def test_a_module_that_fails_in_any_way(self, tmp_path, monkeypatch):
        (tmp_path / "failing_on_import.py").write_text("1 / 0")
        monkeypatch.syspath_prepend(tmp_path)
        with pytest.raises(ComponentImportError, match="ZeroDivisionError: division by zero"):
            component("a", target="failing_on_import:A").load()

    def test_nested_attributes(self):
        assert component("a", target="collections:OrderedDict.fromkeys").load() is not None


class TestBuilding:
    def test_parameters_are_converted_and_context_injected(self):
        made = registry(component("widget")).build("loss", Spec("widget", {"size": "3"}), distance="l2", num_classes=4)
        assert (made.size, made.distance) == (3, "l2")

    def test_what_the_user_gave_wins_over_the_context(self):
        made = registry(component("widget")).build("loss", Spec("widget", {"distance": "inner"}), distance="l2")
        assert made.distance == "inner"

    def test_check_builds_nothing(self):
        wide = registry(component("no", target=f"{__name__}:Refusing"))
        assert wide.check("loss", Spec("no", {"error": "KeyError"})) == {"error": "KeyError"}

    @pytest.mark.parametrize(
        ("error", "said"), [("AssertionError", "AssertionError$"), ("KeyError", "KeyError: 'mode'$")]
    )
    def test_what_a_constructor_refuses_is_said_with_its_parameters(self, error, said):
        made = registry(component("no", target=f"{__name__}:Refusing"))
        with pytest.raises(ParameterError, match=said) as caught:
            made.build("loss", Spec("no", {"error": error}))
        assert f"loss mlfp/no cannot be made with {{'error': '{error}'}}" in str(caught.value)

    def test_a_constructor_that_misses_a_library_is_an_import_error(self):
        with pytest.raises(ComponentImportError, match="cannot be imported: no x"):
            registry(component("no", target=f"{__name__}:Refusing")).build("loss", Spec("no", {"error": "ImportError"}))

    def test_a_part_is_made_from_its_own_spec(self):
        reducer = {"use": "pml:ThresholdReducer", "low": 0.5}
        loss = Registry().build("loss", Spec("pml:TripletMarginLoss", {"reducer": reducer}))
        assert loss.reducer.low == 0.5

    @pytest.mark.parametrize(
        ("use", "said"), [("pml:ThresholdReduce", "Did you mean: ThresholdReducer"), ("mean", "unknown part 'mean'")]
    )
    def test_an_unknown_part_is_placed_below_its_parameter(self, use, said):
        with pytest.raises(ParameterError, match=said) as caught:
            Registry().check("loss", Spec("pml:TripletMarginLoss", {"reducer": {"use": use}}))
        assert caught.value.key == ("reducer", "use")

    def test_a_part_s_parameters_are_checked_before_anything_is_built(self):
        reducer = {"use": "pml:ThresholdReducer", "lwo": 0.5}
        with pytest.raises(ParameterError, match="part pml:ThresholdReducer has no parameter 'lwo'") as caught:
            Registry().check("loss", Spec("pml:TripletMarginLoss", {"reducer": reducer}), ["distance"])
        assert caught.value.key == ("reducer", "lwo")

    def test_a_part_is_offered_what_the_whole_is(self):
        memory = {"loss": {"use": "pml:TripletMarginLoss"}, "memory_size": 8}
        made = Registry().build("loss", Spec("pml:CrossBatchMemory", memory), embedding_size=4, distance="l2")
        assert made.loss.distance.normalize_embeddings is False


class TestLibraries:
    def test_a_library_name_is_its_id(self):
        found = Registry().find("loss", "pml:TripletMarginLoss")
        assert (found.id, found.distribution) == ("pml:TripletMarginLoss", "pytorch-metric-learning")
        assert found.distribution_version

    def test_an_unknown_library(self):
        with pytest.raises(UnknownComponentError, match="unknown library 'tim'") as caught:
            Registry().find("encoder", "tim:resnet18")
        assert "Did you mean: timm?" in str(caught.value)

    def test_what_a_library_has_not(self):
        with pytest.raises(UnknownComponentError, match="timm has no encoder 'resnet18x'"):
            Registry().find("encoder", "timm:resnet18x").load()

    def test_dimensions_are_known_before_anything_is_imported(self):
        assert Registry().find("encoder", "timm:whatever").dims == (2,)
        assert Registry().find("encoder", "monai:whatever").dims == ()


def _refusal(made: Registry, name: str) -> str:
    with pytest.raises(UnknownComponentError) as caught:
        made.find("loss", name)
    assert isinstance(caught.value, MlfpError)
    return str(caught.value)
