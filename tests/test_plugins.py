from __future__ import annotations

import itertools
import subprocess
import sys

import pytest

import mlfp.plugins
from mlfp.errors import PluginError, UnknownComponentError
from mlfp.plugins import PluginHost

REGISTERS = """
    from mlfp import hookimpl

    @hookimpl
    def register_losses(register):
        register({name!r}, "{module}_target:Loss", summary="A loss.")
"""
_numbers = itertools.count()


@pytest.fixture
def install(mlfp_site):
    """Installs a distribution of one plugin, its module freshly named, and gives the module's name."""

    def install(plugin: str, source: str, *, distribution: str | None = None, version: str = "1.0", **values) -> str:
        module = f"made_up_{next(_numbers)}"
        text = source.format(module=module, **values) if values else source
        mlfp_site.install(
            distribution or f"dist-{plugin}", plugins={plugin: module}, modules={module: text}, version=version
        )
        return module

    return install


def discover(**options) -> PluginHost:
    host = PluginHost(**options)
    host.discover()
    return host


def status(host: PluginHost) -> dict[str, str]:
    return {plugin.name: plugin.status for plugin in host.plugins}


class TestDiscovery:
    def test_the_built_ins_come_through_the_same_door(self, mlfp_site):
        host = discover()
        assert status(host) == {"mlfp": "active"}
        assert host.registry.find("encoder", "compact-3d").distribution == "mlfp"

    def test_a_plugin_is_found(self, install):
        install("brains", REGISTERS, name="arc", version="0.3")
        host = discover()
        assert status(host) == {"mlfp": "active", "brains": "active"}
        found = host.registry.find("loss", "brains/arc")
        assert (found.distribution, found.distribution_version) == ("dist-brains", "0.3")
        assert host.plugins[-1].seconds > 0

    def test_nothing_of_a_component_is_imported(self, install):
        module = install("brains", REGISTERS, name="arc")
        discover()
        assert f"{module}_target" not in sys.modules

    def test_order_of_metadata_does_not_matter(self, install):
        for plugin in ("zeta", "alpha", "midway"):
            install(plugin, REGISTERS, name="arc")
        assert list(status(discover())) == ["mlfp", "alpha", "midway", "zeta"]

    def test_hooks_may_be_methods_of_an_object(self, install):
        source = """
            from mlfp import hookimpl

            class Plugin:
                @hookimpl
                def register_miners(self, register):
                    register("far", "somewhere:Miner", summary="A miner.")

            plugin = Plugin()
        """
        install("brains", source)
        # An entry point may name an object of the module.
        host = PluginHost()
        host.load("objects", __import__(install("unused", source)).plugin, "dist", "1")
        assert host.registry.find("miner", "far").id == "objects/far"


BROKEN = {
    "an import that fails": ("import no_such_thing_at_all", "ModuleNotFoundError: No module named 'no_such_thing"),
    "an exception": ("raise RuntimeError('no licence found')", "RuntimeError: no licence found"),
    "an exit": ("import sys; sys.exit(3)", "SystemExit: 3"),
    "a syntax error": ("def :", "SyntaxError"),
    "an unknown hook": (
        "from mlfp import hookimpl\n@hookimpl\ndef register_loses(register): pass",
        "unknown hook 'register_loses'. Did you mean: register_losses",
    ),
    "an unknown hook argument": (
        "from mlfp import hookimpl\n@hookimpl\ndef register_losses(register, more): pass",
        "Argument(s) {'more'} are declared in the hookimpl but can not be found in the hookspec",
    ),
    "a malformed target": (
        "from mlfp import hookimpl\n@hookimpl\ndef register_losses(register):\n"
        "    register('good', 'a:B', summary='x')\n    register('arc', 'a.B', summary='x')",
        "loss 'arc': target 'a.B' should be 'module:attribute'",
    ),
    "a name taken by itself": (
        "from mlfp import hookimpl\n@hookimpl\ndef register_losses(register):\n"
        "    register('arc', 'a:B', summary='x')\n    register('arc', 'a:C', summary='x')",
        "loss bad/arc is registered twice",
    ),
    "an unknown keyword": (
        "from mlfp import hookimpl\n@hookimpl\ndef register_losses(register):\n"
        "    register('arc', 'a:B', summary='x', colour='red')",
        "unexpected keyword argument 'colour'",
    ),
    "aliases that are a text": (
        "from mlfp import hookimpl\n@hookimpl\ndef register_losses(register):\n"
        "    register('arc', 'a:B', summary='x', aliases='arcface')",
        "aliases should be a list of texts, got the text 'arcface'",
    ),
    "a hook that raises after registering": (
        "from mlfp import hookimpl\n@hookimpl\ndef register_losses(register):\n"
        "    register('arc', 'a:B', summary='x')\n"
        "@hookimpl\ndef register_miners(register):\n    raise ValueError('late')",
        "ValueError: late",
    ),
}


@pytest.mark.parametrize(("source", "reason"), BROKEN.values(), ids=BROKEN)
class TestBroken:
    def test_is_kept_apart_with_its_reason(self, install, source, reason):
        install("another", REGISTERS, name="arc")
        install("bad", source, version="0.2")
        install("zeta", REGISTERS, name="zeta")
        host = discover()
        assert status(host) == {"mlfp": "active", "another": "active", "bad": "broken", "zeta": "active"}
        (broken,) = host.broken()
        assert (broken.distribution, broken.version) == ("dist-bad", "0.2")
        assert reason in broken.reason
        assert "\n" not in broken.complaint()
        assert host.registry.find("loss", "arc").id == "another/arc"
        assert host.registry.find("loss", "zeta").id == "zeta/zeta"

    def test_is_not_visible_by_half(self, install, source, reason):
        install("bad", source)
        host = discover()
        assert not [item for item in host.registry.components() if item.plugin == "bad"]
        with pytest.raises(UnknownComponentError, match=r"is not there: plugin 'bad' .* was skipped"):
            host.registry.find("loss", "bad/good")

    def test_is_an_error_in_strict_mode_that_names_it(self, install, source, reason):
        install("bad", source, version="0.2")
        with pytest.raises(PluginError) as caught:
            discover(strict=True)
        assert str(caught.value).startswith("plugin 'bad' (dist-bad 0.2) was skipped: ")
        assert reason in str(caught.value)

    def test_left_out_it_is_not_even_imported(self, install, source, reason):
        module = install("bad", source)
        host = discover(disabled=["bad"])
        assert status(host) == {"mlfp": "active", "bad": "disabled"}
        assert module not in sys.modules


class TestNameSpaces:
    def test_two_distributions_with_one_name(self, install):
        install("brains", REGISTERS, name="arc", distribution="first")
        install("brains", REGISTERS, name="curve", distribution="second")
        host = discover()
        assert [(item.distribution, item.status) for item in host.plugins[1:]] == [
            ("first", "active"),
            ("second", "broken"),
        ]
        assert "the name 'brains' is taken by first 1.0" in host.broken()[0].reason
        assert host.registry.find("loss", "brains/arc").distribution == "first"
        with pytest.raises(
            UnknownComponentError, match=r"It may be there, but plugin 'brains' \(second 1.0\) was skipped"
        ):
            host.registry.find("loss", "brains/curve")

    def test_nobody_takes_the_built_ins_name(self, install):
        install("mlfp", REGISTERS, name="triplet", distribution="aaa-first-by-name")
        host = discover()
        assert [(item.distribution, item.status) for item in host.plugins] == [
            ("mlfp", "active"),
            ("aaa-first-by-name", "broken"),
        ]
        assert host.registry.find("loss", "triplet").distribution == "mlfp"

    @pytest.mark.parametrize("name", ["My_Plugin", "a/b", "two words", ""])
    def test_a_malformed_name_space(self, name):
        with pytest.raises(PluginError, match="lower-case words joined by hyphens"):
            PluginHost().load(name, object(), "dist", "1")

    def test_one_object_as_two_plugins(self, install):
        module = __import__(install("brains", REGISTERS, name="arc"))
        host = PluginHost()
        host.load("one", module, "dist", "1")
        with pytest.raises(PluginError, match="the same object as plugin 'one'"):
            host.load("two", module, "dist", "1")
        assert [item.id for item in host.registry.components()] == ["one/arc"]

    def test_a_refused_plugin_can_be_mended_and_loaded(self, install):
        host = PluginHost()
        broken = __import__(install("one", BROKEN["a malformed target"][0]))
        with pytest.raises(PluginError):
            host.load("one", broken, "dist", "1")
        host.load("one", __import__(install("other", REGISTERS, name="arc")), "dist", "1")
        assert [item.id for item in host.registry.components()] == ["one/arc"]


class TestChoosing:
    @pytest.mark.parametrize(
        ("options", "active"),
        [
            ({"only": ["one"]}, {"mlfp", "one"}),
            ({"only": []}, {"mlfp"}),
            ({"only": None}, {"mlfp", "one", "two-b"}),
            ({"disabled": ["One"]}, {"mlfp", "two-b"}),
            ({"disabled": ["two_b"]}, {"mlfp", "one"}),
            ({"disabled": ["mlfp"]}, {"mlfp", "one", "two-b"}),
            ({"only": ["one", "two-b"], "disabled": ["one"]}, {"mlfp", "two-b"}),
        ],
    )
    def test_only_and_disabled(self, install, options, active):
        install("one", REGISTERS, name="arc")
        install("two-b", REGISTERS, name="arc")
        host = discover(**options)
        assert {name for name, became in status(host).items() if became == "active"} == active
        assert set(status(host)) == {"mlfp", "one", "two-b"}

    def test_a_component_of_a_disabled_plugin_says_so(self, install):
        install("one", REGISTERS, name="arc")
        with pytest.raises(UnknownComponentError, match=r"plugin 'one' \(dist-one 1.0\) is disabled: by configuration"):
            discover(disabled=["one"]).registry.find("loss", "one/arc")

    def test_names_that_stand_for_nothing_are_known(self, install):
        install("one", REGISTERS, name="arc")
        assert discover(disabled=["oen", "one"]).unknown() == ["oen"]


class TestProcess:
    """The process's own host, as the environment sets it up."""

    @pytest.fixture
    def host(self, mlfp_site, monkeypatch):
        for variable in ("MLFP_PLUGINS", "MLFP_DISABLE_PLUGINS", "MLFP_STRICT_PLUGINS"):
            monkeypatch.delenv(variable, raising=False)
        mlfp.plugins.host.cache_clear()
        yield mlfp.plugins.host
        mlfp.plugins.host.cache_clear()

    def test_a_broken_plugin_is_named_once_with_the_way_out(self, host, install, capsys):
        install("bad", "import no_such_thing_at_all", version="0.2")
        for _ in range(3):
            assert host().registry is mlfp.plugins.registry()
        out, err = capsys.readouterr()
        assert out == ""
        assert err.count("plugin 'bad' (dist-bad 0.2) was skipped: ModuleNotFoundError") == 1
        assert "MLFP_DISABLE_PLUGINS=bad" in err

    def test_nothing_is_said_when_all_is_well(self, host, install, capsys):
        install("good", REGISTERS, name="arc")
        host()
        assert capsys.readouterr() == ("", "")

    @pytest.mark.parametrize(
        ("variable", "value", "expected"),
        [
            ("MLFP_PLUGINS", "", {"mlfp": "active", "bad": "disabled", "one": "disabled"}),
            ("MLFP_PLUGINS", "one", {"mlfp": "active", "bad": "disabled", "one": "active"}),
            ("MLFP_DISABLE_PLUGINS", " bad , one ", {"mlfp": "active", "bad": "disabled", "one": "disabled"}),
            ("MLFP_STRICT_PLUGINS", "0", {"mlfp": "active", "bad": "broken", "one": "active"}),
        ],
    )
    def test_environment(self, host, install, monkeypatch, variable, value, expected):
        install("bad", "1 / 0")
        install("one", REGISTERS, name="arc")
        monkeypatch.setenv(variable, value)
        assert status(host()) == expected

    def test_strict_by_environment(self, host, install, monkeypatch):
        install("bad", "1 / 0")
        monkeypatch.setenv("MLFP_STRICT_PLUGINS", "1")
        with pytest.raises(PluginError, match="ZeroDivisionError"):
            host()

    def test_a_misspelt_name_is_pointed_out(self, host, install, monkeypatch, capsys):
        install("brains", REGISTERS, name="arc")
        monkeypatch.setenv("MLFP_DISABLE_PLUGINS", "brain")
        host()
        assert "names 'brain': no such plugin\n  Did you mean: brains?" in capsys.readouterr().err

    def test_workers_keep_quiet(self, host, install, monkeypatch, capsys):
        install("bad", "1 / 0")
        monkeypatch.setattr("multiprocessing.parent_process", object)
        host()
        assert capsys.readouterr().err == ""


def test_the_registry_imports_no_torch():
    code = "import sys, mlfp.plugins; mlfp.plugins.registry().components(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_isolated_host_stands_for_the_process(mlfp_host, install):
    mlfp_host.load("brains", __import__(install("brains", REGISTERS, name="arc")), "dist", "1")
    assert mlfp.plugins.registry().find("loss", "arc").id == "brains/arc"
    assert mlfp.plugins.registry().find("loss", "triplet").id == "mlfp/triplet"
