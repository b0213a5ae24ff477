"""What data sets made of other data sets share."""

from __future__ import annotations

from mlfp.data.files import keys_of
from mlfp.data.memo import Memo, cache_folder
from mlfp.errors import ParameterError
from mlfp.interfaces.dataset import Dataset
from mlfp.plugins import registry
from mlfp.types.spec import Spec


def base_of(spec: Spec) -> Dataset:
    """The data set that another is made of.

    :raises ParameterError: it is unknown, or takes no such parameters.
    """
    try:
        found: Dataset = registry().build("dataset", spec)
    except ParameterError as error:
        raise error.under("dataset") from error
    return found


def keys(base: Dataset) -> dict[str, str]:
    """Of every scan of the base: what its pixels are known by."""
    table = base.table()
    return dict(zip(table.scans.tolist(), keys_of(base, table, Memo(cache_folder())), strict=True))
