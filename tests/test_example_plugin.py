"""A third party's distribution, installed by pip, in processes of their own: alone, and beside a broken one."""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mlfp.testing import Site

EXAMPLE = Path(__file__).parents[1] / "plugins" / "mlfp-example"


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The example as pip installs it; from a copy, because building leaves files beside the sources."""
    source = shutil.copytree(EXAMPLE, tmp_path_factory.mktemp("source") / "mlfp-example")
    target = tmp_path_factory.mktemp("target")
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(target), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return target


@pytest.fixture
def beside_a_broken_one(installed, tmp_path) -> list[Path]:
    """The example's folder and one with a plugin whose module cannot be imported."""
    Site(tmp_path).install(
        "mlfp-broken",
        plugins={"broken": "broken_plugin"},
        modules={"broken_plugin": "import no_such_thing"},
        version="0.2",
    )
    return [installed, tmp_path]


def run(*arguments: str, folders: list[Path], **environment: str) -> subprocess.CompletedProcess[str]:
    """A process that finds what lies in these folders installed."""
    path = os.pathsep.join([*map(str, folders), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def mlfp(*arguments: str, folders: list[Path], **environment: str) -> subprocess.CompletedProcess[str]:
    code = "import sys; from mlfp.cli import main; sys.exit(main())"
    return run("-c", code, *arguments, folders=folders, **environment)


def test_its_loss_is_listed(installed):
    done = mlfp("plugins", "list", "--json", folders=[installed])
    assert (done.returncode, done.stderr) == (0, "")
    listed = json.loads(done.stdout)
    plugin = next(item for item in listed["plugins"] if item["name"] == "example")
    assert (plugin["distribution"], plugin["version"], plugin["status"]) == ("mlfp-example", "0.1.0", "active")
    assert "example/soft-margin" in {item["id"] for item in listed["components"]}


def test_its_loss_trains(installed):
    """As a term of an objective, by its bare name and with the comparison's distance."""
    code = """
from mlfp.training.settings import TrainingSettings
from mlfp.training.objective import Objective
from mlfp.training.terms import Layout
settings = TrainingSettings.parse({
    "encoder": "compact-2d",
    "objective": [{"loss": {"use": "soft-margin", "sharpness": "4"}, "miner": {"use": "pml:BatchHardMiner"}}],
    "batch": {"subjects": 4, "scans": 2}, "train": {"epochs": 1},
})
objective = Objective(settings.objective, num_classes=4, embedding_size=8, distance="cosine")
objective.rehearse(Layout(views=1, scans=2, subjects=4), 8)
print(objective.terms[0].loss)
"""
    done = run("-c", code, folders=[installed])
    assert done.returncode == 0, done.stderr
    assert "SoftMarginTripletLoss" in done.stdout
    assert "CosineSimilarity" in done.stdout


def test_its_own_tests_pass(installed, tmp_path):
    tests = shutil.copytree(EXAMPLE / "tests", tmp_path / "tests")
    known = {point.value for point in importlib.metadata.entry_points(group="pytest11")}
    plugin = [] if "mlfp.testing.pytest_plugin" in known else ["-p", "mlfp.testing.pytest_plugin"]
    done = run("-m", "pytest", "-q", "-p", "no:cacheprovider", *plugin, str(tests), folders=[installed])
    assert done.returncode == 0, done.stdout


class TestBesideABrokenOne:
    def test_help_works_and_says_nothing_of_plugins(self, beside_a_broken_one):
        done = mlfp("--help", folders=beside_a_broken_one)
        assert (done.returncode, done.stderr) == (0, "")
        assert "plugins" in done.stdout

    def test_the_list_names_the_culprit_once_on_stderr(self, beside_a_broken_one):
        done = mlfp("plugins", "list", folders=beside_a_broken_one)
        assert done.returncode == 0
        assert "soft-margin" in done.stdout
        complaint = (
            "plugin 'broken' (mlfp-broken 0.2) was skipped: ModuleNotFoundError: No module named 'no_such_thing'"
        )
        assert done.stderr.count(complaint) == 1
        assert "MLFP_DISABLE_PLUGINS=broken" in done.stderr

    def test_the_others_work(self, beside_a_broken_one):
        code = "from mlfp.plugins import registry; print(registry().find('loss', 'soft-margin').load().__name__)"
        done = run("-c", code, folders=beside_a_broken_one)
        assert (done.returncode, done.stdout) == (0, "SoftMarginTripletLoss\n")

    def test_left_out_nothing_is_said(self, beside_a_broken_one):
        done = mlfp("plugins", "list", folders=beside_a_broken_one, MLFP_DISABLE_PLUGINS="broken")
        assert (done.returncode, done.stderr) == (0, "")

    def test_strictly_it_is_an_error(self, beside_a_broken_one):
        done = mlfp("plugins", "list", folders=beside_a_broken_one, MLFP_STRICT_PLUGINS="1")
        assert done.returncode == 1
        assert "plugin 'broken' (mlfp-broken 0.2)" in done.stderr
        assert "Traceback" not in done.stderr
