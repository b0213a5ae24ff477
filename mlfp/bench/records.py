"""What is kept of a run: one JSON record and one table of per-query values, written last and atomically."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mlfp.errors import MlfpError
from mlfp.execution.files import write_atomically
from mlfp.types import exhibit
from mlfp.types.estimate import Estimate, Resamples, Units
from mlfp.types.measured import Measured

#: Raised when the meaning of a record's fields changes; older records are then not taken for results.
SCHEMA = 1
_NUMBERS = re.compile(r"\[\n(?:\s+(?:-?[\d.eE+-]+|null),?\n)+\s*\]")


@dataclass
class Record:
    """A finished run.

    :param id: hash of everything that decides its numbers, evaluations aside.
    :param label: the method's name when it ran; tables use the configuration's.
    :param kind: ``trained``, ``untrained`` or ``scorer``.
    :param seed: of the training.
    :param settings: the resolved settings, defaults included.
    :param components: id and version of every component used.
    :param data: id of the data set, digest, and numbers of scans and subjects on each side of the split.
    :param evaluations: by key: ``{"name", "metrics"}`` and, where there are some, ``"exhibits"`` and ``"notes"``; or
        ``{"name", "skipped"}`` with the reason.
    :param seconds: spent in ``train``, ``embed`` and ``evaluate``.
    :param parameters: of the model; None for a scorer.
    :param training: epochs, best epoch, and the last values of loss, miner and gauges.
    """

    id: str
    label: str
    kind: str
    seed: int
    settings: dict[str, Any]
    components: list[str]
    data: dict[str, Any]
    evaluations: dict[str, dict[str, Any]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    parameters: int | None = None
    training: dict[str, Any] = field(default_factory=dict)
    finished: str = ""
    schema: int = SCHEMA


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    write_atomically(path, text.encode("utf-8"))


def to_json(value: Any, *, sort_keys: bool = True) -> str:
    """JSON with ``nan`` as null, keys in order, a row of numbers in one line: the same value gives the same text.

    :param sort_keys: False keeps the order of the keys.
    """
    text = json.dumps(_plain(value), indent=1, sort_keys=sort_keys, allow_nan=False)
    return _NUMBERS.sub(lambda found: " ".join(found[0].split()).replace("[ ", "[").replace(" ]", "]"), text)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    if isinstance(value, np.integer):
        return int(value)
    return value if isinstance(value, bool | int | str | None) else str(value)


class RunFolder:
    """``runs/<id>/``: where one run keeps its record, its per-query values and its model."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def model(self) -> Path:
        """The trained model."""
        return self.path / "model.safetensors"

    def record(self) -> Record | None:
        """The record, or None when there is none yet or it has another schema.

        :raises MlfpError: the file is there and unreadable.
        """
        path = self.path / "record.json"
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise MlfpError(f"cannot read {path}: {error}", hints=["Delete it, and the run is redone."]) from error
        return Record(**data) if data.get("schema") == SCHEMA else None

    def write(self, record: Record, measured: Mapping[str, Mapping[str, Estimate]]) -> None:
        """Write newly measured evaluations, then the record: a record is only there when its values are.

        :param measured: by evaluation key: metric names to estimates.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        estimates = [(key, name, item) for key, found in measured.items() for name, item in found.items()]
        units = [_frame(key, name, item.units) for key, name, item in estimates if item.units is not None]
        self._put("per_query.parquet", units, measured)
        resampled = [_line(key, name, item.resamples) for key, name, item in estimates if item.resamples is not None]
        self._put("resampled.parquet", resampled, measured)
        # The metrics stay in the evaluator's order: a comparison that is done shows the same columns as when it ran.
        write_text(self.path / "record.json", to_json(asdict(record), sort_keys=False))

    def _put(self, name: str, fresh: Sequence[pd.DataFrame], measured: Iterable[str]) -> None:
        """Put rows into a table, in place of all that it has of the evaluations measured."""
        path = self.path / name
        frames = [pd.read_parquet(path)] if path.exists() else []
        frames = [*(frame[~frame["evaluation"].isin(list(measured))] for frame in frames), *fresh]
        if frames:
            draft = path.with_name(f".{path.name}.{os.getpid()}")
            pd.concat(frames, ignore_index=True).to_parquet(draft, index=False)
            draft.replace(path)

    def _kept(self, name: str, key: str) -> Iterator[tuple[str, pd.DataFrame]]:
        path = self.path / name
        if path.exists():
            for metric, part in pd.read_parquet(path, filters=[("evaluation", "==", key)]).groupby(
                "metric", sort=False
            ):
                yield str(metric), part

    def estimates(self, record: Record, key: str) -> Measured:
        """One evaluation's estimates, with the units they were averaged from, and what it shows beside them."""
        metrics = record.evaluations[key].get("metrics", {})
        shown = record.evaluations[key].get("exhibits", {})
        units = {name: _units(part) for name, part in self._kept("per_query.parquet", key)}
        resampled = {name: _resamples(part) for name, part in self._kept("resampled.parquet", key)}
        return Measured(
            {name: _estimate(value, units.get(name), resampled.get(name)) for name, value in metrics.items()},
            exhibits={name: exhibit.from_json(data) for name, data in shown.items()},
            notes=record.evaluations[key].get("notes", ()),
        )


def told(name: str, measured: Mapping[str, Estimate]) -> dict[str, Any]:
    """An evaluation as a record keeps it.

    :param name: of the evaluation.
    """
    found = Measured.of(measured)
    metrics = {metric: estimate.to_json() for metric, estimate in found.items()}
    exhibits = {title: exhibit.to_json(item) for title, item in found.exhibits.items()}
    optional = {"exhibits": exhibits, "notes": list(found.notes)}
    return {"name": name, "metrics": metrics, **{key: item for key, item in optional.items() if item}}


def _frame(key: str, metric: str, units: Units) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "evaluation": key,
            "metric": metric,
            "unit": units.names.astype(str),
            "subject": units.subjects.astype(str),
            "value": units.values.astype(np.float64),
            "weight": units.weights.astype(np.float64),
        }
    )


def _line(key: str, metric: str, resamples: Resamples) -> pd.DataFrame:
    line = {"evaluation": key, "metric": metric, "subjects": resamples.subjects, "drawn": resamples.drawn}
    return pd.DataFrame([{**line, "trial": resamples.trial, "values": resamples.values.astype(np.float64)}])


def _resamples(frame: pd.DataFrame) -> Resamples:
    line = frame.iloc[0]
    return Resamples(np.array(line["values"], dtype=np.float64), int(line["subjects"]), line["drawn"], line["trial"])


def _units(frame: pd.DataFrame) -> Units:
    return Units(
        frame["unit"].to_numpy(dtype=object),
        frame["subject"].to_numpy(dtype=object),
        frame["value"].to_numpy(),
        frame["weight"].to_numpy(),
    )


def _estimate(value: Mapping[str, Any], units: Units | None, resamples: Resamples | None) -> Estimate:
    number, low, high = (math.nan if value[name] is None else float(value[name]) for name in ("value", "low", "high"))
    return Estimate(number, low, high, int(value["n"]), units, resamples)


def write_lines(path: Path, records: Iterable[Record]) -> None:
    """``results.jsonl``: a line a finished run, without what is there to be drawn."""
    lines = [json.dumps(_plain(_without_exhibits(record)), sort_keys=True, allow_nan=False) for record in records]
    write_text(path, "".join(f"{line}\n" for line in lines))


def _without_exhibits(record: Record) -> dict[str, Any]:
    kept = {
        key: {name: value for name, value in item.items() if name != "exhibits"}
        for key, item in record.evaluations.items()
    }
    return {**asdict(record), "evaluations": kept}
