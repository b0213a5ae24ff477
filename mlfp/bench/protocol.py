"""The fair protocol, as a configuration asks for it: equal budgets, tuned on validation alone, tested on others.

After Musgrave, Belongie, Lim: A Metric Learning Reality Check (ECCV 2020), with random folds by subject in place of its
contiguous ones, and with tests between methods on the same test subjects, which it lacks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from fnmatch import fnmatch
from typing import Any, Literal

from mlfp import parameters
from mlfp.bench.space import Range, Space, ends, placed
from mlfp.errors import ParameterError, nearest
from mlfp.training.settings import TrainingSettings

#: The one there is.
FAIR = "fair"


@dataclass(frozen=True)
class Protocol:
    """How methods are compared at equal cost.

    :param folds: of the subjects that are not tested on; each is validated on once.
    :param trials: settings tried of each method, on every fold.
    :param repeats: trainings of the best settings on every fold, each with a seed of its own.
    :param seed: of the folds, of the trials' trainings and of the search; no repeat has it.
    :param by: the column whose values stay together; families or sites where they are known, unless given.
    :param vary: fields of ``base`` in which methods may differ; in all others they must not.
    :param sampler: ``tpe`` learns from the trials so far, ``random`` does not.
    :param concatenate: also measure the fingerprints of a repeat's folds joined to one.
    :param search: by pattern of labels, dotted fields of ``base`` and the values that they may take.
    """

    folds: int = 4
    trials: int = 50
    repeats: int = 10
    seed: int = 0
    by: str | None = None
    vary: tuple[str, ...] = ("objective",)
    sampler: Literal["tpe", "random"] = "tpe"
    concatenate: bool = True
    search: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, value: Any) -> Protocol | None:
        """Read ``fair``, or a mapping with ``use: fair``; null is no protocol.

        :raises ParameterError: another name, an unknown key or a wrong value.
        """
        if value is None:
            return None
        value = {"use": value} if isinstance(value, str) else value
        if not isinstance(value, Mapping) or value.get("use") != FAIR:
            raise ParameterError(
                f"the protocol there is is 'fair', got {value!r}",
                hints=["Write {use: fair, folds: 4, trials: 50, ...}"],
            )
        given = {key: item for key, item in value.items() if key != "use"}
        known = parameters.parameters_of(cls)[0]
        for name in given:
            if name not in known:
                hints = [*nearest(str(name), known), f"Keys: use, {', '.join(known)}"]
                raise ParameterError(f"unknown key {name!r}", key=(name,), hints=hints)
        found = cls(**parameters.check(cls, given, component="protocol", context={}))
        for name, least in (("folds", 2), ("trials", 1), ("repeats", 1)):
            if getattr(found, name) < least:
                raise ParameterError(f"{name} should be {least} or more, got {getattr(found, name)}", key=(name,))
        return replace(found, search={pattern: _space(pattern, item) for pattern, item in found.search.items()})

    @property
    def seeds(self) -> tuple[int, ...]:
        """Of the repeats: none is the search's, whose luck the best settings have had already."""
        return tuple(self.seed + 1 + place for place in range(self.repeats))

    def space(self, label: str) -> Space:
        """What is searched of a method."""
        return {
            name: item
            for pattern, fields in self.search.items()
            if fnmatch(label, pattern)
            for name, item in fields.items()
        }

    def budget(self, methods: int) -> str:
        """``4 methods x (6 trials x 2 folds + 3 repeats x 2 folds) = 72 trainings``."""
        return (
            f"{methods} methods x ({self.trials} trials x {self.folds} folds + {self.repeats} repeats x {self.folds} "
            f"folds) = {self.trainings(methods)} trainings"
        )

    def trainings(self, methods: int) -> int:
        """How many trainings there are."""
        return methods * (self.trials + self.repeats) * self.folds

    def smoke(self) -> Protocol:
        """The same made tiny."""
        return replace(self, folds=2, trials=min(2, self.trials), repeats=1)

    def to_json(self) -> dict[str, Any]:
        """For records."""
        told = asdict(replace(self, search={}))
        del told["search"]
        return {"use": FAIR, **told}

    def check(self, methods: Mapping[str, TrainingSettings]) -> None:
        """Complain of what would make the comparison unfair, or of a search of nothing.

        :param methods: by label.
        :raises ParameterError: methods differ where they must not; a pattern fits none; or a method is not searched.
        """
        for pattern in self.search:
            if not any(fnmatch(label, pattern) for label in methods):
                raise ParameterError(
                    f"no method is called {pattern!r}",
                    key=("search", pattern),
                    hints=[*nearest(pattern, methods), f"Methods: {', '.join(methods)}"],
                )
        for label in methods:
            if not any(fnmatch(label, pattern) for pattern in self.search):
                raise ParameterError(
                    f"nothing is searched of {label!r}, so it would be compared untuned with tuned methods",
                    key=("search",),
                    hints=[
                        f"Write search: {{{label}: {{objective.0.loss.margin: {{low: 0.05, high: 1}}}}}}",
                        f"A method that has nothing to tune says so: search: {{{label}: {{}}}}",
                    ],
                )
        self._check_alike(methods)

    def _check_alike(self, methods: Mapping[str, TrainingSettings]) -> None:
        plain = {label: settings.to_config() for label, settings in methods.items()}
        names = list(plain)
        for label in names[1:]:
            for key in plain[label]:
                if key not in self.vary and plain[label][key] != plain[names[0]][key]:
                    raise ParameterError(
                        f"{names[0]!r} and {label!r} differ in {key!r}, so their comparison would not be fair",
                        key=("vary",),
                        hints=[
                            f"Write {key} under 'base', the same for all",
                            f"Or, if that is what is compared: vary: [{', '.join([*self.vary, key])}]",
                        ],
                    )

    def extremes(self, label: str, settings: TrainingSettings) -> list[TrainingSettings]:
        """A method's settings at the ends of what is searched, to be checked before any training.

        :raises ParameterError: a field does not exist, or does not take the value; its key is below the protocol.
        """
        found = []
        for values in ends(self.space(label)):
            try:
                found.append(TrainingSettings.parse(placed(settings.to_config(), values)))
            except ParameterError as error:
                error.key = ("search", *self._where(label))
                raise
        return found

    def _where(self, label: str) -> Sequence[str]:
        return [next(pattern for pattern in self.search if fnmatch(label, pattern))]


def _space(pattern: str, value: Any) -> dict[str, Range]:
    if not isinstance(value, Mapping):
        raise ParameterError(
            f"what is searched of {pattern!r} should be a mapping of fields to values, got {value!r}",
            key=("search", pattern),
            hints=["As in {objective.0.loss.margin: {low: 0.05, high: 1}}"],
        )
    found = {}
    for name, item in value.items():
        try:
            found[str(name)] = Range.parse(item)
        except ParameterError as error:
            raise error.under("search", pattern, str(name)) from None
    return found
