"""A comparison to begin with, from what a data set holds."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from mlfp.bench.split import SplitSettings
from mlfp.data.inspect import Inspection
from mlfp.data.samplers import drawable
from mlfp.data.splits import SIDES
from mlfp.errors import UsageError
from mlfp.types.scan_table import ScanTable
from mlfp.types.spec import Spec
from mlfp.wording import counted

#: Voxels along the longest axis of a volume: what a CPU trains in minutes.
LONGEST = 48
#: Voxels are no finer than this, in mm: a whole head then fits.
FINEST = 2.0
#: Lengths are multiples of it, as encoders halve them.
MULTIPLE = 8
#: Below so many subjects with two scans, none are set aside to validate on, and half are tested on.
FEW = 100
#: From this share of lone subjects on, two views of any scan are also tried as a pair.
LONE = 0.3


def suggest(found: Inspection, table: ScanTable, data: Spec, *, name: str) -> str:
    """A configuration as YAML with its reasons: two losses against those that need no training.

    :param found: the inspection of the table's scans.
    :param data: the data set as a configuration names it.
    :param name: of the comparison.
    :raises UsageError: nobody has two scans, no scan was read, or they are pictures and volumes both.
    """
    if not found.extents:
        raise UsageError(
            "no comparison can be suggested without a scan that can be read",
            hints=["Scans have to be read for it: leave --no-pixels out."],
        )
    if found.repeated < 4:
        raise UsageError(
            f"{counted(found.repeated, 'subject')} of {found.source} with two scans or more: too few to compare on",
            hints=["The column 'subject' should be the same in all scans of a subject."],
        )
    if len({len(shape) for shape in found.shapes}) > 1:
        raise UsageError(f"{found.source} has pictures and volumes: give each a manifest of its own")
    return "\n".join([*_head(found, data, name), *_Suggestion(found, table).lines()]) + "\n"


def _head(found: Inspection, data: Spec, name: str) -> Iterator[str]:
    yield f"# What `mlfp data inspect` suggests for {found.scans} scans of {found.subjects} subjects."
    yield f"name: {name}"
    yield f"data: {json.dumps(data.to_config(), ensure_ascii=False)}"


class _Suggestion:
    """What the parts of a suggestion share."""

    def __init__(self, found: Inspection, table: ScanTable) -> None:
        self.found = found
        broken = {item.scan for item in found.failures}
        self.table = table.select([place for place, scan in enumerate(table.scans) if scan not in broken])
        self.frame = table.frame
        self.volumes = len(found.extents) == 3
        self.across = self._across()
        self.lone = found.singletons > LONE * found.subjects

    def _across(self) -> bool:
        """Whether most subjects with several scans have several modalities."""
        if "modality" not in self.frame:
            return False
        kinds = self.frame.groupby("subject")["modality"].nunique()
        return int((kinds > 1).sum()) > self.found.repeated / 2

    def lines(self) -> Iterator[str]:
        yield from self._preprocess()
        yield from self._split()
        yield from self._base()
        yield from self._runs()
        yield "compare_with: [correlation, ssim, outline, untrained]"
        yield "seeds: [0]                       # [0, 1, 2] tells how much a training differs from the next"
        yield from self._evaluate()

    def _preprocess(self) -> Iterator[str]:
        yield "preprocess:"
        if self.volumes:
            spacing = self._spacing()
            shape = [MULTIPLE * math.ceil(length / spacing / MULTIPLE) for length in self.found.extents]
            yield f"  - {{use: resample, spacing: {spacing:g}}}     # mm; finer shows more, and takes longer"
            yield f"  - {{use: pad, shape: {shape}}}"
        else:
            yield "  - {use: resize, shape: [128, 128]}"
        yield "  - {use: zscore}"

    def _spacing(self) -> float:
        """mm, by halves, so that the longest axis has about :data:`LONGEST` voxels."""
        return max(FINEST, math.ceil(2 * max(self.found.extents) / LONGEST) / 2)

    def _sides(self) -> dict[str, Any]:
        """How subjects are split, as a configuration says it."""
        sides = set(self.frame["split"]) if "split" in self.frame else set()
        if {"train", "test"} <= sides <= set(SIDES):
            return {"column": "split"}
        val, test = (0.0, 0.5) if self.found.repeated < FEW else (0.1, 0.35)
        by = "group" if "group" in self.frame and self.frame["group"].nunique() > 3 else "subject"
        return {"by": by, "val": val, "test": test, "seed": 0}

    def _split(self) -> Iterator[str]:
        split = self._sides()
        listed = ", ".join(f"{key}: {value}" for key, value in split.items())
        yield f"split: {{{listed}}}" + ("           # as the data set says" if "column" in split else "")
        if "column" in split:
            return
        sites = self.frame["site"][self.frame["site"] != ""].nunique() if "site" in self.frame else 1
        if sites > 2:
            yield f"# There are {sites} sites: `by: site` tests on sites that were not trained on."

    def _base(self) -> Iterator[str]:
        yield "base:"
        dims = "3d" if self.volumes else "2d"
        yield f"  encoder: {{use: compact-{dims}, embedding_dim: 128}}"
        yield "  distance: cosine"
        yield "  augmentations:"
        unit = "" if self.volumes else ", unit: fraction"
        warp = "strength: 8, smoothness: 40" if self.volumes else "strength: 0.03, smoothness: 0.15"
        if self.found.subjects < 1000:
            yield f"    - {{use: identity-warp, {warp}{unit}}}     # few people: a new anatomy for each, every batch"
        if self.volumes:
            yield "    - {use: affine, rotate: 12, shift: 10, scale: 0.07}"
        else:
            yield "    - {use: affine, rotate: 8, shift: 0.06, scale: 0.08, unit: fraction}"
        if self.across:
            yield "    # Scans of several modalities: what is drawn here makes others of them."
            yield "    - {use: intensity, curve: 0.6, curve_probability: 0.8, negative_probability: 0.3}"
        else:
            yield f"    - {{use: intensity, {'' if self.volumes else 'within: image, '}negative_probability: 0}}"
        yield "    - {use: bias-field, probability: 0.5}"
        yield "    - {use: noise, probability: 0.5}"
        yield f"  batch: {{subjects: {self._subjects}, scans: 2}}"
        yield "  train: {steps: 300, optimizer: {use: adamw, lr: 1.5e-3, weight_decay: 0.02}, precision: bf16-mixed}"

    @cached_property
    def _subjects(self) -> int:
        """Of a batch: no more than there are to train on."""
        most = 24 if self.volumes else 32
        rows = SplitSettings.parse(self._sides()).apply(self.table).train
        return max(2, min(most, len(drawable(self.table.select(rows), scans=2, allow_repeats=False, pair=None))))

    def _runs(self) -> Iterator[str]:
        yield "runs:"
        yield "  infonce: {objective: [{loss: {use: infonce, temperature: 0.1}}]}"
        yield "  triplet, hard negatives:       # Few-Shot Fingerprinting: distances of vectors that are not normalised"
        yield "    distance: l2"
        yield "    objective: [{loss: {use: triplet, margin: 4}, miner: batched-hard}]"
        if self.lone:
            yield f"  infonce, two views:            # {self.found.singletons} subjects have one scan, no other pair"
            yield "    objective: [{loss: {use: infonce, temperature: 0.1}, views: both}]"
            yield f"    batch: {{subjects: null, scans: null, size: {2 * self._subjects}, views: 2}}"

    def _evaluate(self) -> Iterator[str]:
        across = ", across: modality" if self.across else ""
        yield "evaluate:"
        if self.volumes:
            yield "  # Scans of one session lie on each other: correlation finds them. Moved queries ask for anatomy."
            move = "move: {rotate: 10, shift: 10, scale: 0.05}"
            yield f"  - {{use: retrieval, name: moved{across}, {move}}}"
            yield f"  - {{use: retrieval, name: aligned{across}}}"
            yield "rank_by: moved.map_at_r"
        else:
            yield f"  - {{use: retrieval{across}}}"
            yield "rank_by: retrieval.map_at_r"
