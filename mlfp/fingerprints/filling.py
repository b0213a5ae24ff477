"""A store filled scan by scan: what is there is not embedded again, and what fails is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mlfp.data.chain import Chain
from mlfp.data.files import MISSING, keys_of, read_row, voxels_key
from mlfp.data.memo import Memo, cache_folder
from mlfp.data.prepare import prepare
from mlfp.data.scans import ScanFailure, ScanSet
from mlfp.errors import UsageError
from mlfp.execution.progress import Progress, silent
from mlfp.fingerprints import embedding, locate, parts
from mlfp.fingerprints.model import FingerprintModel
from mlfp.fingerprints.parts import CONTENT, SOURCE, VOXELS, Known, Shard
from mlfp.interfaces.dataset import Dataset
from mlfp.plugins import registry
from mlfp.types.fingerprints import Fingerprints
from mlfp.types.scan_table import ScanTable
from mlfp.types.spec import Spec
from mlfp.wording import counted

#: Scans that are looked up, and prepared, together.
BLOCK = 256
#: Scans embedded before they are written down, at most.
STEP = 32


@dataclass
class Filled:
    """What became of the scans.

    :param store: the file.
    :param embedded: how many were embedded now; others were there.
    :param failures: those that could not be used.
    """

    store: Path
    embedded: int = 0
    kept: int = 0
    failures: list[ScanFailure] = field(default_factory=list)


def fill(
    folder: Path,
    model: FingerprintModel,
    data: Spec,
    *,
    shard: Shard | None = None,
    batch_size: int | None = None,
    device: str = "auto",
    progress: Progress = silent,
) -> Filled:
    """Embed a data set's scans into a store, those that are new or have changed.

    Whatever is embedded is written at once, so that a killed run goes on where it was. A scan that cannot be used
    becomes a row of ``failures.csv``, and is tried again next time.

    :raises UsageError: the store is another model's, or holds other scans under the same ids; or no scan can be used.
    """
    return _Filling(folder, model, data, shard or Shard(), batch_size, device, progress).run()


class _Filling:
    def __init__(
        self,
        folder: Path,
        model: FingerprintModel,
        data: Spec,
        shard: Shard,
        batch_size: int | None,
        device: str,
        progress: Progress,
    ) -> None:
        self.folder, self.model, self.shard, self.progress = folder, model, shard, progress
        self.dataset: Dataset = registry().build("dataset", data)
        self.source = source_text(data)
        self.table = shard.take(self.dataset.table())
        self.device = embedding.device_of(device)
        shape = (model.card.in_channels, *model.card.input_shape)
        self.batch_size = batch_size or min(STEP, embedding.batch_size_for(shape, self.device))
        self.shape = shape
        self.digest = model.digest
        self.filled = Filled(folder / "fingerprints.parquet")

    def run(self) -> Filled:
        with parts.locked(self.folder / f".{self.shard.folder}.lock"):
            known = parts.known(self.folder)
            self._check_model(known)
            keep_model(self.folder, self.model)
            chain = Chain([Spec.parse(step) for step in self.model.card.preprocess])
            self.model.to(self.device)
            memo = Memo(cache_folder())
            for start in range(0, len(self.table), BLOCK):
                stop = min(start + BLOCK, len(self.table))
                self._block(self.table.select(np.arange(start, stop)), known, chain, memo)
                self.progress("embedding", stop, len(self.table))
            failed = [(item.scan, item.subject, item.reason) for item in self.filled.failures]
            parts.merge(self.folder, self.table, self.digest, self.model.card.distance, failed)
        if not self.filled.embedded + self.filled.kept and len(self.table):
            raise UsageError(
                f"none of {counted(len(self.table), 'scan')} of {self.table.source} could be embedded",
                hints=[*(f"{item.scan}: {item.reason}" for item in self.filled.failures[:3])],
            )
        return self.filled

    def _check_model(self, known: Known) -> None:
        if known.model and known.model != self.digest:
            raise UsageError(
                f"the store {self.folder} holds fingerprints of another model",
                hints=["Fingerprints of different models cannot be compared.", "Give another folder: -o STORE"],
            )

    def _block(self, table: ScanTable, known: Known, chain: Chain, memo: Memo) -> None:
        keys = keys_of(self.dataset, table, memo)
        new = []
        for place, (row, key) in enumerate(zip(table, keys, strict=True)):
            there = known.rows.get(row["scan"])
            if there is not None and there.get(CONTENT) == key != MISSING:
                self.filled.kept += 1
                continue
            if there is not None and there.get(SOURCE) not in ("", None, self.source):
                raise UsageError(
                    f"the store holds another scan called {row['scan']!r}",
                    where=f"there it is of {there[SOURCE]}, here of {self.source}",
                    hints=["Give each data set ids of its own (a column 'scan'), or a store of its own."],
                )
            new.append(place)
        if not new:
            return
        done = self.filled.kept + self.filled.embedded + len(self.filled.failures)
        scans = prepare(
            self.dataset, chain, table=table.select(new), shape=self.shape,
            progress=lambda what, count, of: self.progress(what, done + count, len(self.table)),
        )  # fmt: skip
        self.filled.failures += scans.failures
        for piece in _pieces(scans, self.batch_size):
            self._embed(piece)

    def _embed(self, scans: ScanSet) -> None:
        """Embed a few, and write them down."""
        found = embedding.vectors(
            self.model.embed, self.model, scans, device=self.device, batch_size=self.batch_size
        )  # fmt: skip
        finite = np.isfinite(found).all(axis=1)
        for row in scans.table.select(np.flatnonzero(~finite)):
            self.filled.failures.append(ScanFailure(row["scan"], row["subject"], "its fingerprint is not finite"))
        good = np.flatnonzero(finite)
        if len(good):
            frame = scans.table.frame.assign(
                **{CONTENT: list(scans.keys), VOXELS: self._voxels(scans), SOURCE: self.source}
            ).iloc[good]
            table = ScanTable(frame, source=scans.table.source)
            parts.keep(self.folder, self.shard, Fingerprints(table, found[good], self.digest, self.model.card.distance))
            self.filled.embedded += len(good)
        self.progress("embedding", self.filled.kept + self.filled.embedded + len(self.filled.failures), len(self.table))

    def _voxels(self, scans: ScanSet) -> list[str]:
        """Hashes of pixels; those of scans that an older mlfp prepared are made now."""
        rows = list(scans.table)
        return [key or voxels_key(read_row(self.dataset, row)) for key, row in zip(scans.voxels, rows, strict=True)]


def _pieces(scans: ScanSet, size: int) -> Iterator[ScanSet]:
    for start in range(0, len(scans), size):
        yield scans.select(np.arange(start, min(start + size, len(scans))))


def source_text(data: Spec) -> str:
    """A data set as a store writes it down, its path absolute."""
    given = data.to_config()
    if "path" in given:
        given["path"] = str(Path(given["path"]).absolute())
    return json.dumps(given, sort_keys=True, default=str)


def keep_model(folder: Path, model: FingerprintModel) -> None:
    """Keep the model in its store: later scans, and calibration, need no other file."""
    path = folder / locate.FILE
    if path.is_file() and FingerprintModel.load(path).digest == model.digest:
        return
    model.save(path)


def embed_file(model: FingerprintModel, path: Path) -> np.ndarray:
    """(D,) the fingerprint of one file that is in no data set.

    :raises MlfpError: it cannot be read, or does not fit the model.
    """
    import torch

    from mlfp.data import readers

    chain = Chain([Spec.parse(step) for step in model.card.preprocess])
    data = chain(readers.read(path)).data
    wanted = (model.card.in_channels, *model.card.input_shape)
    if data.shape != wanted:
        raise UsageError(f"the model was made for images of shape {wanted}, this has {data.shape}", where=str(path))
    with torch.inference_mode():
        found: np.ndarray = model.eval().embed(torch.from_numpy(data[None].astype(np.float32)))[0].numpy()
    return found
