"""Scans before anything is trained on them: look at a data set, and prepare it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlfp.api.common import Announce, announce_failures, path_of, unheard
from mlfp.execution.progress import Progress, silent

if TYPE_CHECKING:
    from mlfp.data.inspect import Inspection
    from mlfp.preparing.run import Outcome


def inspect(
    data: Path | str,
    *,
    parameters: Mapping[str, Any] | None = None,
    read: bool = True,
    html: Path | str | None = None,
    write: Path | str | None = None,
    progress: Progress = silent,
    announce: Announce = unheard,
) -> Inspection:
    """Look at a data set before a comparison does.

    :param data: a manifest, a folder or ``dataset:path``.
    :param parameters: of the data set, such as ``{"split": "packhaeuser"}``.
    :param read: without, the table alone is looked at.
    :param html: a page to write, with small pictures of some scans.
    :param write: a configuration to write: the comparison that is suggested for these scans.
    :raises UsageError: there is no such data, or ``write`` is asked for and none can be suggested.
    """
    from mlfp.data.locate import located
    from mlfp.report.inspection import look

    spec = located(str(data), parameters, announce)
    return look(spec, read=read, html=path_of(html), write=path_of(write), progress=progress)


def prepare(
    data: Path | str,
    *,
    out: Path | str,
    shard: tuple[int, int] = (1, 1),
    workers: int | None = None,
    sheet: int = 24,
    progress: Progress = silent,
    announce: Announce = unheard,
    **settings: Any,
) -> Outcome:
    """Bring scans into one space, remove outliers, normalise, and keep the results as files with a manifest.

    :param out: folder of the results, laid out as BIDS derivatives; what is done there is not done again.
    :param shard: (i, n): every n-th scan from the i-th; shards share the folder.
    :param sheet: scans to draw on the contact sheet; 0 draws none.
    :param settings: see :class:`mlfp.preparing.settings.Settings`.
    :raises UsageError: there is no such data, a setting cannot be used, or no scan can be prepared.
    """
    from mlfp.data.locate import locate
    from mlfp.plugins import registry
    from mlfp.preparing import sheet as sheets
    from mlfp.preparing.run import prepare_data
    from mlfp.preparing.settings import Settings

    dataset, chosen = registry().build("dataset", locate(str(data), announce)), Settings(**settings)
    outcome = prepare_data(dataset, Path(out), chosen, shard=shard, workers=workers, progress=progress)
    announce_failures(outcome.failures, announce)
    if sheet:
        sheets.draw(outcome.table, Path(out), chosen, most=sheet, progress=progress)
    return outcome
