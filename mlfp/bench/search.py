"""The search of the fair protocol: every method has as many trials, on the same folds, judged on validation alone.

A search that was stopped is told its finished trials again and goes on as if it had not been: what a sampler suggests
depends on its seed and on what it was told, and the trainings are found by what decides their numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from mlfp.bench.config import BenchConfig, Method
from mlfp.bench.pace import Pace
from mlfp.bench.plan import Material, Run, on_fold
from mlfp.bench.protocol import Protocol
from mlfp.bench.records import Record
from mlfp.bench.space import placed, present
from mlfp.data.folds import split_folds
from mlfp.data.splits import Split
from mlfp.errors import MlfpError, UsageError
from mlfp.seeds import derive
from mlfp.training.settings import TrainingSettings

if TYPE_CHECKING:
    import optuna

#: The share of the trials that are drawn before the sampler learns from them; optuna's number at most.
STARTUP, MOST = 1 / 3, 10


@dataclass(frozen=True)
class Tried:
    """One trial.

    :param parameters: by dotted field.
    :param folds: best validation MAP@R on each fold; ``nan`` where the training failed.
    :param reason: of a failure.
    """

    parameters: dict[str, Any]
    folds: list[float]
    reason: str = ""

    @property
    def value(self) -> float:
        """The mean over the folds."""
        return sum(self.folds) / len(self.folds)

    def to_json(self) -> dict[str, Any]:
        """For records."""
        return {"parameters": self.parameters, "folds": self.folds, "value": self.value, "failed": self.reason or None}


@dataclass
class Searched:
    """What a search came to.

    :param method: with the best settings.
    :param best: the trial they are from.
    :param trials: all of them.
    """

    method: Method
    best: Tried
    trials: list[Tried] = field(default_factory=list)


#: Trains a trial, or finds its record; and whether it was trained just now.
Validate = Callable[[Run], tuple[Record, bool]]


class Search:
    """Searches methods, one after the other.

    :param validate: trains one run of a trial.
    :param pace: told of every training.
    """

    def __init__(
        self, protocol: Protocol, material: Material, splits: Sequence[Split], validate: Validate, pace: Pace
    ) -> None:
        self.protocol = protocol
        self.material = material
        self.splits = splits
        self.validate = validate
        self.pace = pace

    def run(self, method: Method) -> Searched:
        """Find a method's best settings.

        :raises MlfpError: not one trial ended with a number.
        """
        space = self.protocol.space(method.label)
        config = method.settings.to_config()
        # A method without anything to tune is the same in every trial.
        count = self.protocol.trials if space else 1
        study = _study(self.protocol, count)
        study.enqueue_trial(present(config, space))
        trials = []
        for number in range(1, count + 1):
            asked = study.ask()
            values = {name: item.suggest(asked, name) for name, item in space.items()}
            settings = TrainingSettings.parse(placed(config, values))
            tried = self._try(replace(method, settings=settings), values, f"trial {number}/{count}")
            trials.append(tried)
            _tell(study, asked, tried)
        self.pace.spare((self.protocol.trials - count) * len(self.splits))
        good = [tried for tried in trials if not math.isnan(tried.value)]
        if not good:
            raise MlfpError(
                f"no trial of {method.label!r} ended with a number", hints=[f"The last: {trials[-1].reason}"]
            )
        best = max(good, key=lambda tried: tried.value)
        settings = TrainingSettings.parse(placed(config, best.parameters))
        return Searched(replace(method, settings=settings), best, trials)

    def _try(self, method: Method, values: dict[str, Any], name: str) -> Tried:
        folds, reason = [], ""
        for fold, split in enumerate(self.splits, 1):
            run = on_fold(method, self.protocol.seed, self.material, split, fold, kind="trial")
            record, fresh = self.validate(run)
            score = record.training.get("map_at_r")
            reason = reason or record.training.get("failed", "")
            folds.append(math.nan if score is None else float(score))
            said = f"failed: {record.training['failed']}" if score is None else f"validation map_at_r {score:.3f}"
            self.pace.passed(record, f"{method.label} · {name} · fold {fold}: {said}", fresh=fresh)
        return Tried(values, folds, reason)


def folds_of(config: BenchConfig, material: Material, by: str) -> list[Split]:
    """The protocol's folds.

    :raises UsageError: there are too few subjects, or a fold has nobody with two scans to validate on.
    """
    assert config.protocol is not None, "there are folds under a protocol alone"
    protocol = config.protocol
    try:
        splits = split_folds(material.table, material.split, by=by, folds=protocol.folds, seed=protocol.seed)
    except UsageError as error:
        raise error.at(config.source.where(("protocol",))) from None
    for fold, split in enumerate(splits, 1):
        subjects = list(material.table.subjects[split.val])
        if len(set(subjects)) == len(subjects):
            raise UsageError(
                f"nobody in fold {fold} has two scans, so nothing can be validated there",
                where=config.source.where(("protocol",)),
                hints=["Have fewer folds, or leave subjects with one scan out of the data."],
            )
    return splits


def _study(protocol: Protocol, count: int) -> optuna.study.Study:
    try:
        import optuna
    except ImportError as error:
        raise UsageError(
            "the fair protocol searches with optuna, which is not installed", hints=["pip install 'mlfp[tune]'"]
        ) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    seed = derive(protocol.seed, "search") % 2**32
    startup = max(2, min(MOST, round(STARTUP * count)))
    sampler = (
        optuna.samplers.RandomSampler(seed=seed)
        if protocol.sampler == "random"
        else optuna.samplers.TPESampler(seed=seed, n_startup_trials=startup)
    )
    return optuna.create_study(direction="maximize", sampler=sampler)


def _tell(study: optuna.study.Study, asked: optuna.trial.Trial, tried: Tried) -> None:
    from optuna.trial import TrialState

    if math.isnan(tried.value):
        study.tell(asked, state=TrialState.FAIL)
    else:
        study.tell(asked, tried.value)
