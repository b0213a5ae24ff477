"""A comparison as its author wrote it, read and checked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from mlfp import parameters
from mlfp.bench import expected
from mlfp.bench.expand import variants
from mlfp.bench.expected import Expectation
from mlfp.bench.opponents import UNTRAINED, Opponent
from mlfp.bench.opponents import parse as parse_opponent
from mlfp.bench.protocol import Protocol
from mlfp.bench.significance import Significance
from mlfp.bench.source import Key, Source
from mlfp.bench.split import SplitSettings
from mlfp.errors import ParameterError, nearest
from mlfp.evaluation.settings import EvaluationSpec
from mlfp.plugins import registry
from mlfp.training.settings import TrainingSettings
from mlfp.types.spec import Spec

T = TypeVar("T")

#: Keys at the top of a configuration.
KEYS = (
    "name", "description", "data", "preprocess", "split", "base", "grid", "zip", "runs", "compare_with", "seeds",
    "evaluate", "rank_by", "significance", "protocol", "observers", "expected",
)  # fmt: skip
#: The scorer that sees only the mask's shape; it runs in every comparison, so that nobody is fooled by outlines.
OUTLINE = "outline"


@dataclass(frozen=True)
class Method:
    """A method to train.

    :param label: its name in tables.
    :param settings: everything that decides its training but the seed.
    :param keys: where in the file its varied fields were written.
    """

    label: str
    settings: TrainingSettings
    keys: Mapping[str, Key]

    def components(self) -> Iterator[tuple[Key, str, Spec]]:
        """Every component of the training: where in the file it was written, its kind, and its spec."""
        for key, kind, spec in _components(self.settings):
            yield file_key(key, self.keys), kind, spec


#: What a smoke run says of itself before anything else.
SMOKE = (
    "Smoke run: two steps of training, a few subjects, and N-way episodes among all of these, whatever N an evaluation "
    "is named after. Its numbers show that it runs, nothing else."
)


@dataclass(frozen=True)
class BenchConfig:
    """A comparison.

    :param name: names the folder of results.
    :param description: what is compared, in its author's words.
    :param data: the data set.
    :param preprocess: the cached chain.
    :param split: how subjects are split; seeds below never change it.
    :param methods: the methods to train.
    :param opponents: methods compared without training.
    :param seeds: one training each.
    :param evaluations: what is measured.
    :param rank_by: ``evaluation.metric`` by which the table is ranked.
    :param significance: which methods are compared in pairs.
    :param protocol: how methods are tuned and repeated; None trains each once a seed, as it is written.
    :param observers: told how the trainings go; they decide no number.
    :param expected: what a paper printed; decides no number either.
    :param source: the file, for messages and for the copy beside the results.
    """

    name: str
    description: str
    data: Spec
    preprocess: tuple[Spec, ...]
    split: SplitSettings
    methods: tuple[Method, ...]
    opponents: tuple[Opponent, ...]
    seeds: tuple[int, ...]
    evaluations: tuple[EvaluationSpec, ...]
    rank_by: str
    significance: Significance
    protocol: Protocol | None
    observers: tuple[Spec, ...]
    expected: tuple[Expectation, ...]
    source: Source

    def smoke(self) -> BenchConfig:
        """The same comparison made tiny: one seed, every training a few steps long, episodes of who there is."""
        methods = tuple(replace(method, settings=method.settings.smoke()) for method in self.methods)
        return replace(
            self,
            name=f"{self.name}-smoke",
            description=" ".join([SMOKE, self.description.strip()]).strip(),
            methods=methods,
            seeds=self.seeds[:1],
            evaluations=tuple(evaluation.smoke() for evaluation in self.evaluations),
            protocol=self.protocol and self.protocol.smoke(),
        )

    def extremes(self) -> Iterator[Method]:
        """The methods at the ends of what is searched of them, to be checked before any training.

        :raises ParameterError: what is searched is no field of a method, or takes no such value.
        """
        for method in self.methods if self.protocol is not None else ():
            assert self.protocol is not None, "asked above"
            try:
                found = self.protocol.extremes(method.label, method.settings)
            except ParameterError as error:
                error.key = ("protocol", *error.key)
                raise self.source.locate(error) from error
            yield from (replace(method, settings=settings) for settings in found)


def parse(source: Source) -> BenchConfig:
    """Read a configuration.

    :raises ParameterError: an unknown key or a wrong value; names file, line, what was given, the nearest valid name.
    """
    _check_keys(source)
    reader = _Reader(source)
    evaluations = _evaluations(source, reader.items("evaluate", EvaluationSpec.parse, ["retrieval"]))
    protocol = reader.value("protocol", Protocol.parse)
    methods = tuple(_methods(source))
    opponents = _opponents(source, reader.items("compare_with", parse_opponent, []))
    named = {
        "labels": [*(item.label for item in methods), *(item.label for item in opponents)],
        "evaluations": [evaluation.name for evaluation in evaluations],
    }
    config = BenchConfig(
        name=reader.value("name", _name, Path(source.name).stem),
        description=reader.value("description", _text, ""),
        data=reader.value("data", Spec.parse),
        preprocess=tuple(reader.items("preprocess", Spec.parse, [])),
        split=reader.value("split", SplitSettings.parse, {}),
        methods=methods,
        opponents=opponents,
        seeds=protocol.seeds if protocol is not None else _seeds(source, reader.items("seeds", _seed, [0])),
        evaluations=evaluations,
        rank_by=reader.value("rank_by", lambda text: _rank_by(text, evaluations), f"{evaluations[0].name}.map_at_r"),
        significance=reader.value("significance", Significance.parse, {}),
        protocol=protocol,
        observers=tuple(reader.items("observers", Spec.parse, [])),
        expected=reader.value("expected", lambda value: expected.parse(value, **named) if value is not None else ()),
        source=source,
    )
    _check_labels(config)
    _check_names(config)
    _check_protocol(config)
    if methods and not config.split.trains:
        given = f"val {config.split.val} and test {config.split.test}"
        raise source.locate(ParameterError(f"{given} leave no subject to train on", key=("split", "test")))
    return config


def _check_keys(source: Source) -> None:
    data = source.data
    for key in data:
        if key not in KEYS:
            raise source.locate(
                ParameterError(
                    f"unknown key {key!r}", key=(key,), hints=[*nearest(key, KEYS), f"Keys: {', '.join(KEYS)}"]
                )
            )
    if "data" not in data:
        raise ParameterError(
            "the configuration has no 'data'",
            where=source.name,
            hints=["Write data: {use: manifest, path: scans.csv}, or give --data scans.csv"],
        )


class _Reader:
    """Reads keys of a source, turning every complaint into one with file and line."""

    def __init__(self, source: Source) -> None:
        self.source = source

    def value(self, key: str, read: Callable[[Any], T], default: Any = None) -> T:
        return self._read((key,), read, self.source.data.get(key, default))

    def items(self, key: str, read: Callable[[Any], T], default: list[Any]) -> list[T]:
        values = self.source.data.get(key, default)
        values = default if values is None else values
        if not isinstance(values, list):
            raise self.source.locate(
                ParameterError(
                    f"{key} should be a list, got {values!r}", key=(key,), hints=[f"Write {key}: [{values}]"]
                )
            )
        return [self._read((key, place), read, value) for place, value in enumerate(values)]

    def _read(self, key: Key, read: Callable[[Any], T], value: Any) -> T:
        try:
            return read(value)
        except ParameterError as error:
            raise self.source.locate(error, key) from error


def _methods(source: Source) -> list[Method]:
    if not any(source.data.get(key) for key in ("base", "grid", "zip", "runs")):
        return []
    try:
        found = variants(source.data)
    except ParameterError as error:
        raise source.locate(error) from error
    methods = []
    for variant in found:
        try:
            settings = TrainingSettings.parse(variant.settings)
            settings.decisive()  # files of weights have to be there
            methods.append(Method(variant.label, settings, variant.keys))
        except ParameterError as error:
            error.key = file_key(error.key, variant.keys)
            raise source.locate(error) from error
    return methods


def _components(settings: TrainingSettings) -> Iterator[tuple[Key, str, Spec]]:
    yield ("encoder",), "encoder", settings.encoder
    for place, spec in enumerate(settings.augmentations):
        yield ("augmentations", place), "augmentation", spec
    for place, term in enumerate(settings.objective):
        yield ("objective", place, "loss"), "loss", term.loss
        if term.miner is not None:
            yield ("objective", place, "miner"), "miner", term.miner


def _check_names(config: BenchConfig) -> None:
    """Look every component up, which imports none of them."""
    named: list[tuple[Key, str, Spec]] = [(("data",), "dataset", config.data)]
    named += [(("preprocess", place), "preprocessor", spec) for place, spec in enumerate(config.preprocess)]
    named += [part for method in config.methods for part in method.components()]
    named += [(("compare_with", place), "scorer", item.spec) for place, item in enumerate(config.opponents)]
    named += [(("evaluate", place), "evaluator", item.spec) for place, item in enumerate(config.evaluations)]
    named += [(("observers", place), "observer", spec) for place, spec in enumerate(config.observers)]
    for key, kind, spec in named:
        if (kind, spec.use) != ("scorer", UNTRAINED):
            try:
                registry().find(kind, spec.use)
            except ParameterError as error:
                raise config.source.locate(error, key) from error


def _check_protocol(config: BenchConfig) -> None:
    """A protocol has methods to tune, that are alike but for what is compared."""
    if config.protocol is None:
        return
    source = config.source
    if "seeds" in source.data:
        hints = [f"Their number is the protocol's: protocol: {{repeats: {len(config.seeds)}}}"]
        raise source.locate(ParameterError("a protocol chooses the seeds of its repeats", key=("seeds",), hints=hints))
    for place, evaluation in enumerate(config.evaluations):
        if evaluation.side != "test":
            raise source.locate(
                ParameterError(
                    f"a protocol's evaluations are on the test side, and {evaluation.name!r} is on {evaluation.side}",
                    key=("evaluate", place, "side"),
                    hints=["The protocol validates every trial on each fold by itself."],
                )
            )
    if not config.methods:
        raise source.locate(ParameterError("the protocol has no method to tune", key=("protocol",)))
    try:
        config.protocol.check({method.label: method.settings for method in config.methods})
    except ParameterError as error:
        raise source.locate(error, ("protocol",)) from error
    list(config.extremes())


def file_key(key: Key, keys: Mapping[str, Key]) -> Key:
    """Where in the file a field of a method was written: where it varies, else below ``base``."""
    for length in range(len(key), 0, -1):
        dotted = ".".join(str(part) for part in key[:length])
        if dotted in keys:
            return (*keys[dotted], *key[length:])
    return ("base", *key)


def _name(value: Any) -> str:
    if not isinstance(value, str):
        hint = f'YAML reads it as a {type(value).__name__}; put it in quotes: name: "{value}"'
        raise ParameterError(f"name should be text, got {value!r}", hints=[hint])
    if not re.fullmatch(r"\w[\w.-]*", value):
        raise ParameterError(
            f"name should be letters, digits, '.', '_' and '-', for it names a folder; got {value!r}",
            hints=["It begins with a letter or a digit."],
        )
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ParameterError(f"expected text, got {value!r}")
    return " ".join(value.split())


def _seed(value: Any) -> int:
    seed: int = parameters.convert(int, value, what="a seed")
    return seed


def _seeds(source: Source, given: list[int]) -> tuple[int, ...]:
    if not given:
        raise source.locate(ParameterError("seeds names no seed", key=("seeds",), hints=["Write, for example: [0]"]))
    _refuse_twice(source, "seeds", given, "Each seed is one training of every method.")
    return tuple(given)


def _evaluations(source: Source, given: list[EvaluationSpec]) -> tuple[EvaluationSpec, ...]:
    if not given:
        hints = ["Write, for example: [retrieval]"]
        raise source.locate(ParameterError("evaluate names nothing to measure", key=("evaluate",), hints=hints))
    names = [evaluation.name for evaluation in given]
    _refuse_twice(source, "evaluate", names, "Give one a name of its own: {use: ..., name: ...}")
    return tuple(given)


def _refuse_twice(source: Source, key: str, values: Sequence[object], hint: str) -> None:
    for place, value in enumerate(values):
        if value in values[:place]:
            raise source.locate(ParameterError(f"{key} has {value!r} twice", key=(key, place), hints=[hint]))


def _check_labels(config: BenchConfig) -> None:
    """A row of the table is a label: two methods with one would be averaged."""
    trained = {method.label for method in config.methods}
    for place, opponent in enumerate(config.opponents):
        if opponent.label in trained:
            error = ParameterError(
                f"a method to train is called {opponent.label!r} as well",
                key=("compare_with", place),
                hints=[f"Give one another name: {{use: {opponent.spec.use}, name: ...}}"],
            )
            raise config.source.locate(error)


def _opponents(source: Source, given: list[Opponent]) -> tuple[Opponent, ...]:
    labels = [opponent.label for opponent in given]
    _refuse_twice(source, "compare_with", labels, "Give one a name: {use: ssim, name: ...}")
    if all(opponent.spec.use not in (OUTLINE, f"mlfp/{OUTLINE}") for opponent in given):
        given = [*given, Opponent(OUTLINE, Spec(OUTLINE))]
    return tuple(given)


def _rank_by(value: Any, evaluations: tuple[EvaluationSpec, ...]) -> str:
    names = [evaluation.name for evaluation in evaluations]
    if not isinstance(value, str) or value.split(".")[0] not in names or "." not in value:
        raise ParameterError(
            f"rank_by should be 'evaluation.metric', got {value!r}", hints=[f"Evaluations here: {', '.join(names)}"]
        )
    return value
