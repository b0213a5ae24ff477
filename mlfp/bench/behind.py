"""What stands behind an evaluation of a comparison: its scans, to alter them and to look at them in another way."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from mlfp.data.chain import Chain
from mlfp.data.scans import ScanSet
from mlfp.errors import ParameterError
from mlfp.evaluation.measure import Side, chosen
from mlfp.evaluation.settings import EvaluationSpec
from mlfp.types.scan_table import ScanTable
from mlfp.types.spec import Spec
from mlfp.types.trial import Similarity, Trial
from mlfp.types.volume import Volume

if TYPE_CHECKING:
    from mlfp.bench.execute import Workshop


@dataclass(frozen=True)
class Method:
    """How a method describes scans, and compares what it described.

    :param describe: keeps what it described of a set of scans. :param fresh: describes anew, to be timed.
    """

    describe: Callable[[ScanSet], Side]
    fresh: Callable[[ScanSet], Any]
    similarity: Callable[[Side, Side], Similarity]
    distance: str


@dataclass(eq=False)
class PreparedScans:
    """Prepared scans as a data set: further steps take them from the cache, not from the files.

    :param scans: as the comparison's own chain left them.
    """

    scans: ScanSet

    def table(self) -> ScanTable:
        """All of them."""
        return self.scans.table

    def read(self, row: Mapping[str, Any]) -> Volume:
        """One scan; its affine knows the size of its voxels, and no place."""
        place = self._places[str(row["scan"])]
        affine = np.diag([*self.scans.spacings[place], 1.0])
        return Volume(self.scans.arrays([place])[0], affine, scan=str(row["scan"]))

    def key(self, row: Mapping[str, Any]) -> str:
        """What they were made of, and how."""
        return f"prepared:{self.scans.chain}:{self.scans.keys[self._places[str(row['scan'])]]}"

    @cached_property
    def _places(self) -> dict[str, int]:
        return {str(scan): place for place, scan in enumerate(self.scans.table.scans)}


@dataclass(frozen=True)
class Behind:
    """The :class:`~mlfp.types.trial.Scans` of one evaluation of one method.

    :param other: another method, made from a scorer.
    """

    workshop: Workshop
    evaluation: EvaluationSpec
    method: Method
    other: Callable[[Spec], Method]
    seed: int

    def altered(self, before: Sequence[Spec], after: Sequence[Spec], *, both: bool = False) -> Trial:
        """The queries (and the gallery) made anew, compared by the method."""
        queries = self._altered(self.workshop.queries(self.evaluation), before, after, moved=True)
        gallery = self.workshop.gallery(self.evaluation)
        if both:
            gallery = self._altered(gallery, before, after, moved=False)
        return self._trial(self.method, queries, gallery)

    def scored_by(self, scorer: Spec) -> Trial:
        """The same scans, compared by another scorer."""
        queries, gallery = self.workshop.queries(self.evaluation), self.workshop.gallery(self.evaluation)
        return self._trial(self.other(scorer), queries, gallery)

    def validation(self) -> Trial | None:
        """The evaluation on the validation side; None where there is none, or where it is measured there already."""
        spec = replace(self.evaluation, side="val")
        if self.evaluation.side == "val" or spec.across is not None or len(self.workshop.rows("val")) == 0:
            return None
        trial = self._trial(self.method, self.workshop.queries(spec), self.workshop.gallery(spec))
        try:
            return chosen(trial, spec)
        except ParameterError:  # no scan of that side is one that the evaluation wants
            return None

    def describe(self, count: int) -> int:
        """Describe some queries anew."""
        queries = self.workshop.queries(self.evaluation)
        some = queries.select(np.arange(min(count, len(queries))))
        self.method.fresh(some)
        return len(some)

    def _trial(self, method: Method, queries: ScanSet, gallery: ScanSet) -> Trial:
        asking, answering = method.describe(queries), method.describe(gallery)
        return Trial(
            asking.table, answering.table, method.similarity(asking, answering), self.evaluation.ignore,
            asking.vectors, answering.vectors, method.distance, self.seed,
        )  # fmt: skip

    def _altered(self, scans: ScanSet, before: Sequence[Spec], after: Sequence[Spec], *, moved: bool) -> ScanSet:
        """From the files where something comes before all other steps, else from what is prepared."""
        if not before:
            return self.workshop.made(PreparedScans(scans), Chain(after), scans.table, of=scans.chain)
        chain = self.workshop.chain(self.evaluation, self.evaluation.move if moved else None).appended(after)
        for step in reversed(before):
            chain = chain.prepended(step)
        return self.workshop.made(self.workshop.material.dataset, chain, scans.table)
