"""The papers' comparisons run on trees in the layout of their data, and are checked against one without training."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import ModuleType

import pytest

from mlfp import api
from mlfp.bench.engine import read
from mlfp.errors import UsageError

FOLDER = Path(__file__).parents[2] / "benchmarks" / "papers"
PRESETS = sorted(path.stem for path in FOLDER.glob("*.yaml"))
#: Eight and four trainings, of which the printed form stands for both in the default suite.
LONG = ("dbp-adni-as-released", "dbp-weighting-as-released")
#: Smaller scans and encoders, so that two steps take seconds here; the slow test leaves all as it is.
SMALL = {
    "fsf-brats2021": {"preprocess.1.shape": "[32, 32, 24]", "base.encoder": "{use: compact-3d, embedding_dim: 128}"},
    "fsf-chestxray14": {
        "preprocess.0.shape": "[48, 48]",
        "base.encoder": "{use: compact-2d, embedding_dim: 128}",
        "runs.Pack.encoder": "{use: compact-2d, embedding_dim: 128}",
    },
    "dbp": {"base.encoder": "{use: compact-2d, embedding_dim: 32}", "base.train.freeze": "null"},
}


@pytest.fixture(scope="module")
def tree(trees: ModuleType, tmp_path_factory: pytest.TempPathFactory):
    """The data set of a preset, made once, as ``--data`` names it."""
    made: dict[str, str] = {}
    makers = {
        "brats2021": lambda top: trees.brats2021(top, subjects=14),
        "chestxray14": lambda top: trees.chest(top, patients=24, each=6),
        "adni": lambda top: trees.adni(top, subjects=14),
    }

    def of(preset: str) -> str:
        name = "adni" if preset.startswith("dbp") else preset.split("-")[1]
        if name not in made:
            made[name] = f"{name}:{makers[name](tmp_path_factory.mktemp('preset') / name)}"
        return made[name]

    return of


def smaller(preset: str) -> dict[str, str]:
    found = next(values for name, values in SMALL.items() if preset.startswith(name))
    if not preset.startswith("dbp"):
        return found
    pad = next(
        place
        for place, spec in enumerate(read(FOLDER / f"{preset}.yaml", data=None, overrides={}, smoke=True).preprocess)
        if spec.use == "pad"
    )
    return {**found, f"preprocess.{pad}.shape": "[48, 40]"}


def test_each_paper_is_there_as_printed_and_as_released() -> None:
    names = ("dbp-adni", "dbp-batch-size", "dbp-weighting", "fsf-brats2021", "fsf-chestxray14")
    assert [f"{name}-as-{which}" for name in names for which in ("printed", "released")] == PRESETS


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_is_checked_against_a_tree_without_training(preset: str, tree, tmp_path: Path) -> None:
    result = api.bench(FOLDER / f"{preset}.yaml", data=tree(preset), check=True, smoke=True, out=tmp_path / "out")
    assert result.rows == []
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "preset", [pytest.param(name, marks=[pytest.mark.slow] if name in LONG else []) for name in PRESETS]
)
def test_a_preset_runs_with_smaller_scans(preset: str, tree, tmp_path: Path) -> None:
    config = read(FOLDER / f"{preset}.yaml", data=None, overrides={}, smoke=False)
    changed = smaller(preset)
    if preset.startswith("dbp-adni"):  # learnt without a network, and minutes on their own
        changed = {**changed, "compare_with": "[ssim, untrained, {use: correlation, name: SIFT-Rank of the slice}, "
                   "{use: correlation, name: NCA + DT}, {use: correlation, name: MLKR + DT}]"}  # fmt: skip
    result = api.bench(
        FOLDER / f"{preset}.yaml", data=tree(preset), overrides=changed, smoke=True, out=tmp_path / "out"
    )
    assert result.failures == []
    assert {method.label for method in config.methods} <= {row.label for row in result.rows}
    measured = [item for item in result.beside if item.here is not None]
    assert len(measured) == len(result.beside) if preset.startswith("fsf") else measured
    assert len(result.beside) == len(config.expected)
    assert result.description.startswith("Smoke run: ")
    assert all(0 <= item.printed.value <= 1 for item in result.beside)
    assert "Printed in" in (tmp_path / "out" / "report.md").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_runs_as_it_is(preset: str, tree, tmp_path: Path) -> None:
    result = api.bench(FOLDER / f"{preset}.yaml", data=tree(preset), smoke=True, out=tmp_path / "out")
    assert result.failures == []


def test_a_tree_too_small_to_train_on_is_told_by_check(trees: ModuleType, tmp_path: Path) -> None:
    data = f"brats2021:{trees.brats2021(tmp_path / 'brats', subjects=10)}"
    with pytest.raises(UsageError, match="a batch of 45 subjects with 2 scans or more needs as many, and there are 7"):
        api.bench(FOLDER / "fsf-brats2021-as-printed.yaml", data=data, check=True)


def test_a_tree_too_small_for_the_episodes_is_told_by_check_and_by_a_run(trees: ModuleType, tmp_path: Path) -> None:
    data = f"brats2021:{trees.brats2021(tmp_path / 'brats', subjects=10)}"
    preset, fewer = FOLDER / "fsf-brats2021-as-printed.yaml", {"base.batch.subjects": "4"}
    with pytest.raises(UsageError, match=r"20-way 1-shot episodes need 20 subjects .* 2 of 2") as caught:
        api.bench(preset, data=data, overrides=fewer, check=True)
    assert str(caught.value.where).endswith("evaluate.0.ways")
    heard: list[str] = []
    small = {**fewer, **SMALL["fsf-brats2021"], "evaluate.1.ways": "all"}
    api.bench(preset, data=data, overrides=small, only="outline", out=tmp_path / "out", announce=heard.append)
    assert [line.partition(" will not be measured: ")[0] for line in heard if "will not be" in line] == [
        "20-way 1-shot", "100-way 1-shot", "100-way 3-shot"
    ]  # fmt: skip


def test_a_tree_that_will_not_do_is_told_by_check(trees: ModuleType, tmp_path: Path) -> None:
    top = trees.chest(tmp_path / "chest")
    shutil.rmtree(top / "csv_files")
    with pytest.raises(UsageError, match="no patient split"):
        api.bench(FOLDER / "fsf-chestxray14-as-printed.yaml", data=f"chestxray14:{top}", check=True)


def test_what_is_odd_about_a_tree_is_announced_and_costs_nothing_else(trees: ModuleType, tmp_path: Path) -> None:
    top = trees.brats2021(tmp_path / "brats", subjects=10)
    for number in range(5):
        (top / f"BraTS2021_{number:05d}" / f"BraTS2021_{number:05d}_t2.nii.gz").unlink()
    heard: list[str] = []
    api.bench(
        FOLDER / "fsf-brats2021-as-printed.yaml",
        data=f"brats2021:{top}",
        overrides={"base.batch.subjects": "4", **{f"evaluate.{place}.ways": "all" for place in range(4)}},
        check=True,
        announce=heard.append,
    )
    names = "; ".join(f"BraTS2021_{number:05d}: has no t2" for number in range(3))
    assert heard == [f"missing modality (5): {names}; and 2 more"]


def test_data_of_the_same_kind_keeps_what_the_preset_says_of_it() -> None:
    path = FOLDER / "dbp-adni-as-released.yaml"
    same = read(path, data=f"adni:{FOLDER}", overrides={}, smoke=False).data
    assert dict(same.parameters) == {"path": str(FOLDER), "min_days": 180, "rule": "binned"}
    other = read(path, data=f"brats2021:{FOLDER}", overrides={}, smoke=False).data
    assert dict(other.parameters) == {"path": str(FOLDER)}


def test_a_smoke_run_downloads_nothing() -> None:
    path = FOLDER / "dbp-batch-size-as-printed.yaml"
    assert read(path, data=None, overrides={}, smoke=False).methods[0].settings.encoder.parameters["pretrained"] is True
    assert read(path, data=None, overrides={}, smoke=True).methods[0].settings.encoder.parameters["pretrained"] is False
