"""The same subject under two ids: find it, and learn how far a score can be trusted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlfp.api.common import Announce, unheard
from mlfp.execution.progress import Progress, silent

if TYPE_CHECKING:
    from mlfp.leaks.calibration import Calibration
    from mlfp.leaks.result import Leaks


def calibrate(
    *stores: Path | str,
    model: Path | str | None = None,
    verified: int = 200,
    workers: int | None = None,
    progress: Progress = silent,
) -> Calibration:
    """Learn from labelled stores what a score means, and write it into the model.

    :param stores: folders that ``mlfp embed`` wrote, whose subject ids are right.
    :param model: the model to write into besides the stores' own copies.
    :param verified: pairs of each kind to lay over each other, for the odds of verified pairs; 0 leaves that out.
    :param workers: processes that do so.
    :raises UsageError: no such store, or too few pairs.
    """
    from mlfp.fingerprints import store as reading
    from mlfp.leaks import between
    from mlfp.leaks.calibrate import calibrate as learn
    from mlfp.leaks.material import names_of

    named = list(zip(names_of(stores), (reading.read(Path(store)) for store in stores), strict=True))
    made = learn(named, verified=verified, workers=workers, progress=progress)
    for place in [*stores, *([] if model is None else [model])]:
        between.keep(Path(place), made)
    return made


def leaks(
    *data: Path | str,
    out: Path | str,
    model: Path | str | None = None,
    calibration: Path | str | None = None,
    redact: bool | str = False,
    device: str = "auto",
    workers: int | None = None,
    progress: Progress = silent,
    announce: Announce = unheard,
    **settings: Any,
) -> Leaks:
    """Find scans of one subject under different ids, within and across data sets and splits.

    Writes ``pairs.csv``, ``clusters.csv``, ``conflicts.csv``, ``summary.json``, repaired splits and ``report.html``.

    :param data: stores, or data to embed: manifests, folders, ``dataset:path``.
    :param out: folder of the results.
    :param model: what embeds data that are no stores; without it the stores' own, or for volumes ``brain-v1``.
    :param calibration: a model, store or JSON file whose calibration to use in place of the model's own.
    :param redact: ids as keyed hashes; a text is the key, True draws one and forgets it.
    :param settings: fields of :class:`mlfp.leaks.result.Settings`.
    :raises UsageError: nothing to compare, no calibration, or a rate that it does not support.
    """
    from mlfp.leaks.between import search as between
    from mlfp.leaks.result import Settings
    from mlfp.report import leaks as page

    found, material = between(
        data, Path(out), Settings(**settings), model=model, calibration=calibration, redact=redact, device=device,
        workers=workers, progress=progress, announce=announce,
    )  # fmt: skip
    page.write(Path(out), found, pictures=None if redact else material)
    return found
