from __future__ import annotations

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from mlfp.bench import engine
from mlfp.bench.records import RunFolder
from mlfp.bench.results import BenchResult
from mlfp.errors import MlfpError, ParameterError, UsageError
from mlfp.types import exhibit

Config = dict[str, Any]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the small comparison has run once; tests copy what they change."""
    return tmp_path_factory.mktemp("shared") / "small"


def values(result: BenchResult) -> dict[str, dict[str, float]]:
    return {row.label: {name: estimate.value for name, estimate in row.metrics.items()} for row in result.rows}


def test_a_comparison_ranks_every_method(comparison: Config, shared: Path) -> None:
    lines: list[str] = []
    result = engine.bench(comparison, out=shared, announce=lines.append)
    assert {row.label for row in result.rows} == {"triplet", "infonce", "correlation", "untrained", "outline"}
    assert not result.failures
    ranks = [row.metrics["retrieval.map_at_r"].value for row in result.rows]
    assert ranks == sorted(ranks, reverse=True)
    seeds = {row.label: row.seeds for row in result.rows}
    assert seeds == {"triplet": 2, "infonce": 2, "correlation": 1, "untrained": 2, "outline": 1}
    assert len(lines) == 8
    for row in result.rows:
        estimate = row.metrics["retrieval.hit_at_1"]
        assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1
    assert (shared / "bench.yaml").exists()
    assert (shared / "command.txt").read_text() == f"mlfp bench bench.yaml -o {shared}\n"
    assert "torch" in json.loads((shared / "env.json").read_text())["versions"]
    assert len((shared / "results.jsonl").read_text().splitlines()) == 8


def test_running_again_does_no_work_and_gives_the_same(
    comparison: Config, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = engine.bench(comparison, out=shared)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a finished comparison must not be worked on")

    monkeypatch.setattr(engine._Bench, "_work", refuse)
    second = engine.bench(comparison, out=shared)
    assert values(second) == values(first)
    assert [list(row.metrics) for row in second.rows] == [list(row.metrics) for row in first.rows]
    assert all(row.cached == row.seeds for row in second.rows)
    for before, after in zip(first.rows, second.rows, strict=True):
        told = {name: exhibit.to_json(item) for name, item in before.exhibits.items()}
        assert told == {name: exhibit.to_json(item) for name, item in after.exhibits.items()}
        assert told["retrieval.cmc"]["lines"][0]["y"][0] == pytest.approx(
            before.metrics["retrieval.hit_at_1"].value, abs=1e-5
        )


def test_a_finished_comparison_answers_without_torch(comparison: Config, shared: Path) -> None:
    engine.bench(comparison, out=shared)
    code = (
        "import json, sys, pathlib\n"
        "from mlfp.bench.engine import bench\n"
        "result = bench(json.loads(sys.argv[1]), out=pathlib.Path(sys.argv[2]))\n"
        "assert len(result.rows) == 5 and 'torch' not in sys.modules, 'torch was imported'\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(comparison), str(shared)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_new_evaluation_trains_nothing_anew(
    comparison: Config, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.bench(comparison, out=shared)
    from mlfp.bench import execute

    monkeypatch.setattr(execute, "train", None)
    more = {**comparison, "evaluate": ["retrieval", {"use": "retrieval", "name": "cross", "across": "modality"}]}
    result = engine.bench(more, out=shared)
    assert not result.failures
    assert "cross.hit_at_1" in result.rows[0].metrics
    assert "cross.hit_at_1[A>B]" in result.rows[0].metrics


def test_only_what_decides_the_numbers_decides_the_id(comparison: Config) -> None:
    from mlfp.bench.plan import gather, runs

    def ids(config: Config) -> set[str]:
        parsed = engine.read(config, data=None, overrides={}, smoke=False)
        return {run.id for run in runs(parsed, gather(parsed)) if run.kind == "trained"}

    before = ids(comparison)
    spelt_out = copy.deepcopy(comparison)
    spelt_out["base"]["distance"] = "cosine"
    spelt_out["base"]["train"]["checkpoint_seconds"] = 1
    assert ids(spelt_out) == before, "a default spelt out, and how often a checkpoint is written, change no number"
    for key, value in (("distance", "l2"), ("encoder", {"use": "compact-2d", "embedding_dim": 8})):
        changed = copy.deepcopy(comparison)
        changed["base"][key] = value
        assert not ids(changed) & before, key


def test_a_run_that_fails_does_not_stop_the_others(
    comparison: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlfp.bench import execute

    real = execute.train

    def train(settings: Any, *arguments: Any, **keywords: Any) -> Any:
        if settings.objective[0].loss.use == "infonce":
            raise RuntimeError("boom")
        return real(settings, *arguments, **keywords)

    monkeypatch.setattr(execute, "train", train)
    result = engine.bench({**comparison, "seeds": [0]}, out=tmp_path)
    assert [(item.label, item.reason) for item in result.failures] == [("infonce", "RuntimeError: boom")]
    assert "boom" in result.failures[0].details.read_text()
    assert "triplet" in values(result)
    monkeypatch.setattr(execute, "train", real)
    again = engine.bench({**comparison, "seeds": [0]}, out=tmp_path)
    assert not again.failures, "a failed run is tried again"


def test_what_cannot_be_measured_costs_nothing_else(comparison: Config, tmp_path: Path) -> None:
    evaluations = ["retrieval", {"use": "few-shot", "ways": 500}]
    config = {**comparison, "base": None, "grid": None, "compare_with": ["correlation"], "evaluate": evaluations}
    result = engine.bench(config, out=tmp_path)
    assert not result.failures
    for row in result.rows:
        assert "retrieval.hit_at_1" in row.metrics
        assert "few-shot: 500-way 1-shot episodes need 500 subjects" in row.note


def test_one_encoder_is_untrained_once_whatever_else_varies(comparison: Config) -> None:
    from mlfp.bench.plan import gather, runs

    varied = {**comparison, "grid": {"distance": ["cosine", "l2"], "train.epochs": [1, 2]}, "seeds": [0]}
    parsed = engine.read(varied, data=None, overrides={}, smoke=False)
    assert [run.label for run in runs(parsed, gather(parsed)) if run.kind == "untrained"] == ["untrained"]
    both = {**comparison, "grid": {"encoder": ["compact-2d", "resnet18-2d"]}, "seeds": [0]}
    parsed = engine.read(both, data=None, overrides={}, smoke=False)
    labels = [run.label for run in runs(parsed, gather(parsed)) if run.kind == "untrained"]
    assert labels == ["untrained compact-2d", "untrained resnet18-2d"]


def test_a_lost_record_is_made_again_from_the_model(comparison: Config, tmp_path: Path) -> None:
    config = {**comparison, "seeds": [0], "grid": None, "compare_with": []}
    first = engine.bench(config, out=tmp_path)
    for path in tmp_path.glob("runs/*/record.json"):
        path.unlink()
    assert values(engine.bench(config, out=tmp_path)) == values(first)


def test_smoke_is_small_and_elsewhere(comparison: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = engine.bench(comparison, smoke=True)
    assert result.folder == Path("results/small-smoke")
    assert {row.seeds for row in result.rows} == {1}


def test_smoke_keeps_subjects_of_every_side_of_a_split_in_a_column(
    comparison: Config, pictures: Path, tmp_path: Path
) -> None:
    table = pd.read_csv(pictures, dtype=str)
    table["split"] = ["train" if subject < "016" else "test" for subject in table["subject"]]
    table["path"] = [str(pictures.parent / path) for path in table["path"]]
    table.to_csv(tmp_path / "scans.csv", index=False)
    scans = {"use": "manifest", "path": str(tmp_path / "scans.csv")}
    config = {**comparison, "data": scans, "split": {"column": "split"}}
    data = engine.bench(config, smoke=True, check=True).data
    assert (data["train"]["subjects"], data["test"]["subjects"]) == (8, 8)


def test_a_model_is_never_there_without_the_record_of_its_training(
    comparison: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlfp.bench import execute

    config = {**comparison, "seeds": [0], "compare_with": [], "grid": None}
    real = execute._measure_models
    monkeypatch.setattr(execute, "_measure_models", None)
    assert engine.bench(config, out=tmp_path).failures, "it broke off after the training"
    monkeypatch.setattr(execute, "_measure_models", real)
    row = next(row for row in engine.bench(config, out=tmp_path).rows if row.kind == "trained")
    assert row.cached == 0
    records = [RunFolder(path).record() for path in tmp_path.glob("runs/*")]
    trained = next(record for record in records if record is not None and record.kind == "trained")
    assert trained.training["steps"] == 9
    assert trained.seconds["train"] > 0


def test_an_evaluation_on_derived_scans_changes_queries_and_gallery(comparison: Config, tmp_path: Path) -> None:
    """A correlation turns with the sign of one side, and not with that of both."""
    every = {"use": "retrieval", "name": "every", "derive": [{"use": "synthetic-contrast", "negative": 1, "shift": 0}]}
    some = {"use": "retrieval", "name": "some", "derive": [{"use": "synthetic-contrast", "negative": 0.5}]}
    config = {**comparison, "base": None, "grid": None, "compare_with": ["correlation"]}
    result = engine.bench({**config, "evaluate": ["retrieval", every, some]}, out=tmp_path)
    found = {name: result.rows[0].metrics[f"{name}.map_at_r"].value for name in ("retrieval", "every", "some")}
    assert found["every"] == pytest.approx(found["retrieval"], abs=1e-6)
    assert found["some"] < found["retrieval"] - 0.1


def test_a_derivation_that_nobody_knows_is_named_with_its_line(comparison: Config, tmp_path: Path) -> None:
    evaluation = {"use": "retrieval", "derive": [{"use": "synthetic-contrasts"}]}
    with pytest.raises(ParameterError, match="synthetic-contrasts") as caught:
        engine.bench({**comparison, "evaluate": [evaluation]}, out=tmp_path)
    assert "synthetic-contrast" in str(caught.value)


def test_ranking_by_what_nobody_measured_is_an_error(comparison: Config, tmp_path: Path) -> None:
    config = {**comparison, "base": None, "grid": None, "compare_with": [], "rank_by": "retrieval.map_at_rr"}
    with pytest.raises(ParameterError, match=r"nobody was measured by 'retrieval\.map_at_rr'") as caught:
        engine.bench(config, out=tmp_path)
    assert "Did you mean: retrieval.map_at_r" in str(caught.value)


def test_a_slip_in_rank_by_is_told_after_the_first_method(comparison: Config, tmp_path: Path) -> None:
    lines: list[str] = []
    with pytest.raises(ParameterError, match="nobody was measured"):
        engine.bench({**comparison, "rank_by": "retrieval.map"}, out=tmp_path, announce=lines.append)
    assert len(lines) == 1


def test_without_rank_by_the_first_metric_of_the_first_evaluation_ranks(comparison: Config, tmp_path: Path) -> None:
    evaluations = [{"use": "few-shot", "ways": 4}, "retrieval"]
    config = {**comparison, "base": None, "grid": None, "compare_with": ["correlation"], "evaluate": evaluations}
    assert engine.bench(config, out=tmp_path).rank_by == "few-shot.recall_at_k_shot"


def test_check_runs_nothing(comparison: Config, tmp_path: Path) -> None:
    result = engine.bench(comparison, out=tmp_path / "none", check=True)
    assert result.rows == []
    assert not (tmp_path / "none").exists()
    assert result.data["test"]["subjects"] > 0


def test_a_slip_is_told_before_more_than_one_scan_is_prepared(
    comparison: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFP_CACHE", str(tmp_path / "cache"))
    wrong = {"objective": {"twins": [{"loss": "barlow-twins", "miner": "batched-hard"}]}}
    prepared: list[int] = []
    with pytest.raises(ParameterError, match="takes no miner"):
        engine.bench(
            {**comparison, "grid": wrong},
            out=tmp_path / "out",
            progress=lambda what, done, total: prepared.append(total),
        )
    assert prepared == [1]


def test_check_takes_the_first_scan_that_can_be_prepared(comparison: Config, tmp_path: Path) -> None:
    source = Path(comparison["data"]["path"])
    table = pd.read_csv(source, dtype=str)
    table["path"] = [str(source.parent / path) for path in table["path"]]

    def checked(broken: int) -> BenchResult:
        paths = [f"{path}.gone" if place < broken else path for place, path in enumerate(table["path"])]
        table.assign(path=paths).to_csv(tmp_path / "scans.csv", index=False)
        data = {"use": "manifest", "path": str(tmp_path / "scans.csv")}
        return engine.bench({**comparison, "data": data}, out=tmp_path / "out", check=True)

    assert checked(3).rows == []
    with pytest.raises(UsageError, match=r"none of the first 20 scans of .* can be prepared") as caught:
        checked(len(table))
    assert "there is no such file" in str(caught.value)


def test_only_keeps_the_labels_that_fit(comparison: Config, tmp_path: Path) -> None:
    result = engine.bench(comparison, out=tmp_path, only="corr*")
    assert [row.label for row in result.rows] == ["correlation"]
    with pytest.raises(UsageError, match="no method's label fits"):
        engine.bench(comparison, out=tmp_path, only="nothing")


def test_what_only_leaves_out_stays_on_the_list(comparison: Config, shared: Path) -> None:
    engine.bench(comparison, out=shared)
    engine.bench(comparison, out=shared, only="corr*")
    assert len((shared / "results.jsonl").read_text().splitlines()) == 8


def test_the_quick_comparison_fits_few_subjects(pictures: Path, tmp_path: Path) -> None:
    rows = pd.read_csv(pictures, dtype=str).query("subject < '008'")
    rows["path"] = [str(pictures.parent / name) for name in rows["path"]]
    rows.to_csv(tmp_path / "few.csv", index=False)
    parsed = engine.read(None, data=str(tmp_path / "few.csv"), overrides={}, smoke=False)
    assert {method.settings.batch.subjects for method in parsed.methods} == {4}
    parsed = engine.read(None, data=str(pictures), overrides={}, smoke=False)
    assert {method.settings.batch.subjects for method in parsed.methods} == {12}


def test_a_run_that_fails_says_what_to_do(comparison: Config, tmp_path: Path) -> None:
    lines: list[str] = []
    base = {**comparison["base"], "batch": {"subjects": 20}}
    result = engine.bench({**comparison, "base": base, "seeds": [0]}, out=tmp_path, announce=lines.append)
    assert len(result.failures) == 2
    assert "Write batch: {subjects: 9} or fewer" in next(line for line in lines if "failed" in line)


def test_two_at_work_in_one_folder_are_refused(comparison: Config, tmp_path: Path) -> None:
    with engine.locked(tmp_path), pytest.raises(MlfpError, match="another mlfp is at work"):
        engine.bench(comparison, out=tmp_path)


def test_a_killed_comparison_resumes_to_the_same_numbers(comparison: Config, tmp_path: Path) -> None:
    """SIGKILL in the middle of a training, then the same command again."""
    config = copy.deepcopy({**comparison, "seeds": [0], "compare_with": []})
    config["base"]["train"] = {"epochs": 8, "steps_per_epoch": 4, "checkpoint_seconds": 0}
    path = tmp_path / "c.yaml"
    path.write_text(yaml.safe_dump(config))
    whole = engine.bench(path, out=tmp_path / "whole")
    code = (
        "import os, signal, sys, pathlib\n"
        "from mlfp.bench.engine import bench\n"
        "seen = []\n"
        "def progress(what, done, total):\n"
        "    seen.append(what)\n"
        "    if what.startswith('train') and done >= 9: os.kill(os.getpid(), signal.SIGKILL)\n"
        "bench(pathlib.Path(sys.argv[1]), out=pathlib.Path(sys.argv[2]), progress=progress)\n"
        "print(sorted(set(seen)))\n"
    )
    killed = subprocess.run(
        [sys.executable, "-c", code, str(path), str(tmp_path / "killed")], capture_output=True, text=True, check=False
    )
    assert killed.returncode == -9, killed.stdout + killed.stderr
    assert list((tmp_path / "killed").glob("runs/*")), "it had begun"
    assert not list((tmp_path / "killed").glob("runs/*/model.safetensors")), "and not ended"
    assert values(engine.bench(path, out=tmp_path / "killed")) == values(whole)


def test_records_outlive_their_run(comparison: Config, shared: Path) -> None:
    engine.bench(comparison, out=shared)
    for path in shared.glob("runs/*"):
        record = RunFolder(path).record()
        assert record is not None
        assert record.data["train"]["subjects"] + record.data["val"]["subjects"] + record.data["test"]["subjects"] == 24


VALIDATION = {"use": "retrieval", "name": "validation", "side": "val"}


def test_methods_can_be_ranked_on_the_validation_side(comparison: Config, tmp_path: Path) -> None:
    """What the training chose its best weights by, measured again; the test side's figures stand beside it."""
    asked = {**comparison, "seeds": [0], "evaluate": ["retrieval", VALIDATION], "rank_by": "validation.map_at_r"}
    result = engine.bench(asked, out=tmp_path)
    assert not result.failures
    ranks = [row.metrics["validation.map_at_r"].value for row in result.rows]
    assert ranks == sorted(ranks, reverse=True)
    chosen = {
        record["label"]: record["training"]["map_at_r"]
        for record in map(json.loads, (tmp_path / "results.jsonl").read_text().splitlines())
        if record["kind"] == "trained"
    }
    assert set(chosen) == {"triplet", "infonce"}
    for row in result.rows:
        if row.label in chosen:
            assert row.metrics["validation.map_at_r"].value == pytest.approx(chosen[row.label], abs=1e-6)
            assert row.metrics["retrieval.map_at_r"].n > row.metrics["validation.map_at_r"].n


def test_a_side_without_scans_is_named_before_anything_runs(comparison: Config) -> None:
    asked = {**comparison, "split": {"val": 0, "test": 0.4}, "evaluate": [VALIDATION]}
    with pytest.raises(ParameterError, match="measures on the val side, and the split leaves it no scans") as caught:
        engine.bench(asked, check=True)
    assert caught.value.key == ("evaluate", 0, "side")
