"""A comparison under the fair protocol: search, then repeats of the best on every fold, then the folds joined."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from mlfp.bench.config import BenchConfig, Method
from mlfp.bench.pace import Pace
from mlfp.bench.plan import Material, Run, joined, on_fold
from mlfp.bench.records import Record
from mlfp.bench.search import Search, Searched, Validate, folds_of
from mlfp.bench.split import grouped_by
from mlfp.errors import UsageError


@dataclass
class Fair:
    """The protocol of a comparison, under way.

    :param planned: the comparison's runs without a protocol: its methods, and those that need no training.
    """

    config: BenchConfig
    material: Material
    planned: Sequence[Run]
    found_best: list[Searched] = field(default_factory=list)
    pace: Pace | None = None

    def __post_init__(self) -> None:
        assert self.config.protocol is not None, "made for a protocol"
        self.protocol = self.config.protocol
        labels = {run.label for run in self.planned}
        self.methods = [method for method in self.config.methods if method.label in labels]
        self.by = grouped_by(self.config.split, self.protocol, self.material.table)
        self.splits = folds_of(self.config, self.material, self.by)

    def begin(self, announce: Callable[[str], None], progress: Callable[[str, int, int], None]) -> None:
        """Say what the budget is, and count from here."""
        self.pace = Pace(self.protocol.trainings(len(self.methods)), announce, progress)
        announce(f"fair protocol: {self.protocol.budget(len(self.methods))}; {self._folds()}")

    def plan(self, validate: Validate, fail: Callable[[Run, Exception], None]) -> Iterator[Run]:
        """Search every method, and tell all runs that are to be measured.

        :param validate: trains a trial.
        :param fail: told of a method whose search failed; the others go on.
        """
        assert self.pace is not None, "begun"
        search = Search(self.protocol, self.material, self.splits, validate, self.pace)
        yield from (run for run in self.planned if run.kind != "trained")
        for method in self.methods:
            try:
                found = search.run(method)
            except UsageError:
                raise
            except Exception as error:  # one method's failure, of whatever kind, must not cost the others
                fail(next(run for run in self.planned if run.label == method.label), error)
                continue
            self.found_best.append(found)
            yield from self._repeats(found.method)

    def _repeats(self, best: Method) -> Iterator[Run]:
        for seed in self.protocol.seeds:
            parts = [on_fold(best, seed, self.material, split, fold) for fold, split in enumerate(self.splits, 1)]
            yield from parts
            if self.protocol.concatenate:
                yield joined(parts)

    def found(self, records: Iterable[Record | None]) -> None:
        """Count the repeats that were done before."""
        assert self.pace is not None, "begun"
        for record in records:
            if record is not None and record.kind == "trained":
                self.pace.passed(record, "", fresh=False)

    def passed(self, run: Run, record: Record, summary: str) -> bool:
        """Count a run that has just been done, and tell of it; whether it was one of the budget."""
        if run.fold is None or self.pace is None:
            return False
        self.pace.passed(record, f"{run.label} · seed {run.seed} · fold {run.fold}: {summary}")
        return True

    def _folds(self) -> str:
        together = "" if self.by == "subject" else f", {self.by}s kept together"
        sizes = [len(set(self.material.table.subjects[split.val])) for split in self.splits]
        return f"folds of {' and '.join(map(str, sorted(set(sizes))))} subjects{together}"

    def to_json(self) -> dict[str, Any]:
        """Settings, budget and search, for reports."""
        table = self.material.table
        return {
            **self.protocol.to_json(),
            "by": self.by,
            "budget": self.protocol.budget(len(self.methods)),
            "fold_subjects": [len(set(table.subjects[split.val])) for split in self.splits],
            "trainings": self.pace.done if self.pace is not None else 0,
            "seconds": self.pace.seconds if self.pace is not None else 0.0,
            "search": {found.method.label: self._searched(found) for found in self.found_best},
        }

    def _searched(self, found: Searched) -> dict[str, Any]:
        space = self.protocol.space(found.method.label)
        return {
            "space": {name: item.to_json() for name, item in space.items()},
            "best": found.best.parameters,
            "value": found.best.value,
            "trials": [tried.to_json() for tried in found.trials],
        }
