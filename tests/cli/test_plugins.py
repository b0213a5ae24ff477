from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from mlfp.cli import app

if TYPE_CHECKING:
    from mlfp.plugins import PluginHost
    from mlfp.testing import Site


def _run(*args: str) -> Result:
    return CliRunner().invoke(app.application, ["plugins", *args])


def test_a_component_is_explained_with_its_parameters_and_paper(mlfp_host: PluginHost) -> None:
    shown = _run("info", "triplet").stdout
    assert "loss mlfp/triplet" in shown
    assert "Few-Shot Fingerprinting" in shown
    assert "margin: 0.2  float" in shown
    assert "{use: triplet}" in shown


def test_parameters_come_as_json_schema(mlfp_host: PluginHost) -> None:
    told = json.loads(_run("info", "resnet50-3d", "--json").stdout)
    assert told["dims"] == [3]
    assert told["parameters"]["properties"]["stem_stride"]["type"] == "integer"
    assert "in_channels" not in told["parameters"]["properties"]


def test_a_class_of_a_library_is_explained_too(mlfp_host: PluginHost) -> None:
    shown = _run("info", "pml:TripletMarginLoss")
    assert shown.exit_code == 0
    assert "margin: 0.05" in shown.stdout


def test_a_misspelt_component_is_answered_with_the_nearest(mlfp_host: PluginHost) -> None:
    shown = _run("info", "tripet")
    assert shown.exit_code == 2
    assert "Did you mean: triplet" in shown.stderr


def test_the_list_is_narrowed_by_kind_and_pattern(mlfp_host: PluginHost) -> None:
    told = json.loads(_run("list", "*resnet*", "--kind", "encoder", "--json").stdout)
    assert {item["kind"] for item in told["components"]} == {"encoder"}
    assert all("resnet" in item["id"] for item in told["components"])


def test_a_component_that_keeps_its_contract_passes(mlfp_host: PluginHost) -> None:
    shown = _run("check", "triplet")
    assert shown.exit_code == 0
    assert shown.stdout == "kept  loss mlfp/triplet\n"


def test_a_component_that_needs_a_value_is_tried_once_it_has_one(mlfp_host: PluginHost) -> None:
    assert _run("check", "pad").stdout.startswith("untried  preprocessor mlfp/pad: give it --set shape=")
    assert _run("check", "pad", "--set", "shape=20").stdout == "kept  preprocessor mlfp/pad\n"


@pytest.fixture
def broken(mlfp_site: Site) -> dict[str, str]:
    """The environment of a process that has a plugin whose import fails."""
    source = "raise RuntimeError('out of order')"
    mlfp_site.install("mlfp-broken", plugins={"broken": "mlfp_broken"}, modules={"mlfp_broken": source})
    return {**os.environ, "PYTHONPATH": str(mlfp_site.folder)}


def _process(environment: dict[str, str], *args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from mlfp.cli import main; main()", *args]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def test_help_does_not_meet_a_broken_plugin(broken: dict[str, str]) -> None:
    shown = _process(broken, "--help")
    assert shown.returncode == 0
    assert shown.stderr == ""


def test_a_broken_plugin_is_named_once_and_the_rest_is_listed(broken: dict[str, str]) -> None:
    shown = _process(broken, "plugins", "list")
    assert shown.returncode == 0
    assert (shown.stdout + shown.stderr).count("out of order") == 1
    assert "mlfp-broken 1.0" in shown.stderr
    assert "mlfp/triplet" in shown.stdout
    told = json.loads(_process(broken, "plugins", "list", "--json").stdout)
    assert {"broken": "broken", "mlfp": "active"}.items() <= {p["name"]: p["status"] for p in told["plugins"]}.items()


def test_a_broken_plugin_can_be_left_out_in_silence_or_be_an_error(broken: dict[str, str]) -> None:
    assert _process(broken, "--disable-plugin", "broken", "plugins", "list").stderr == ""
    strict = _process(broken, "--strict-plugins", "plugins", "list")
    assert strict.returncode == 1
    assert "out of order" in strict.stderr
    assert "Traceback" not in strict.stderr
