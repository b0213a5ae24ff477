"""What the files' headers say, and no pixel: the opponent that shows how much of a result the acquisition explains."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from mlfp.errors import UsageError
from mlfp.types.scan_table import ScanTable
from mlfp_plugins.scorers import headers

#: Corners that lie so many mm apart count half as equal places.
NEAR = 10.0


class HeaderOnly:
    """How alike the acquisitions of two scans are: a leak check that sees no pixel.

    The mean of these agreements: same shape in voxels; same voxel size, to a micrometre; same kind of number in the
    file; and where the scan lies in the scanner's mm, ``10 / (10 + distance)`` for the root mean square distance of its
    corners. Each of ``columns`` that is the same for both counts as one more. If it finds subjects, shape or place tell
    them: resample and register scans before they are compared, or split by scanner.

    It reads the files as they are, whatever is done to scans afterwards; those of an evaluation that moves its queries
    are read as they were.

    :param columns: of the scan table, that tell of the acquisition: ``site``, ``manufacturer``, ``protocol``, ...
    """

    symmetric = True

    def __init__(self, columns: Sequence[str] = ()) -> None:
        self.columns = columns

    def describe_table(self, table: ScanTable) -> Tensor:
        """B rows to (B, 31 + columns) float64: facts of the header (noughts without files), then columns as numbers.

        :raises UsageError: there are neither files nor columns, or a file has no header that is known.
        """
        paths = table.column("path") if "path" in table.columns else np.full(len(table), "", dtype=object)
        if not self.columns and not all(paths):
            raise UsageError(
                f"header-only reads headers of files, and {table.source} has scans without a file",
                hints=["Name columns that tell of the acquisition: {use: header-only, columns: [site]}"],
            )
        facts = np.stack([headers.read(path) if path else np.zeros(headers.FACTS) for path in paths])
        told = [[_number(value) for value in table.column(name)] for name in self.columns]
        return torch.from_numpy(np.column_stack([facts, *told]))

    def score(self, queries: Tensor, gallery: Tensor) -> Tensor:
        """(Q, ...) and (G, ...) to (Q, G) agreements in [0, 1]."""
        query, other = queries[:, None], gallery[None]
        equal = [
            (query[..., :3] == other[..., :3]).all(dim=2),
            ((query[..., 3:6] - other[..., 3:6]).abs() <= 1e-3).all(dim=2),
            query[..., 6] == other[..., 6],
            *(query[..., headers.FACTS :] == other[..., headers.FACTS :]).unbind(dim=2),
        ]
        apart = (query[..., 7 : headers.FACTS] - other[..., 7 : headers.FACTS]).square().sum(dim=2) / 8
        place = NEAR / (NEAR + apart.sqrt())
        return torch.stack([*(fact.double() for fact in equal), place]).mean(dim=0).float()


def _number(text: str) -> float:
    """A number that only this text has, as good as surely."""
    return float(int.from_bytes(hashlib.blake2b(text.encode(), digest_size=6).digest(), "big"))
