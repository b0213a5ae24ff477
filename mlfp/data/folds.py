"""Folds for cross-validation: who may be tuned on is shared out by subject, the test side stays as it is."""

from __future__ import annotations

import numpy as np

from mlfp.data.splits import Split, together
from mlfp.errors import UsageError
from mlfp.seeds import derive
from mlfp.types.scan_table import ScanTable

#: Columns by which subjects may belong together, the most telling first: families and twins, then sites.
KNOWN = ("group", "site")
#: Groups a side must have to stand for more than themselves.
ENOUGH = 2


def grouping(table: ScanTable, folds: int) -> str:
    """The column whose values should stay together: families or sites where they are known, and there are enough.

    Of too few groups (three scanners for four folds and a test side) each side would be one group, or none; subjects
    are shared out then.
    """
    for column in KNOWN:
        if column in table.columns:
            values = table.column(column)
            groups = together(table.subjects.astype(str), values.astype(str))
            if (values != "").any() and ENOUGH * (folds + 1) <= len(groups) < len(set(table.subjects)):
                return column
    return "subject"


def split_folds(table: ScanTable, split: Split, *, by: str = "subject", folds: int = 4, seed: int = 0) -> list[Split]:
    """For each fold the split that validates on it and trains on the others; all have the test side given.

    Groups are taken in an order drawn from the seed and their names, each into the fold that has the fewest subjects:
    the order of rows does not matter.

    :param split: whose training and validation sides are shared out together.
    :param by: the column whose values stay together.
    :raises UsageError: there are not as many groups as folds.
    """
    pool = np.concatenate([split.train, split.val])
    subjects = table.subjects.astype(str)
    groups = together(subjects[pool], table.column(by)[pool].astype(str))
    if folds < 2 or len(groups) < folds:
        raise UsageError(
            f"{len(groups)} values of {by!r} cannot be shared out to {folds} folds",
            hints=["Folds are 2 or more, and each needs a value of its own. Have fewer folds, or more subjects."],
        )
    fold_of: dict[str, int] = {}
    sizes = [0] * folds
    for name in sorted(groups, key=lambda name: (derive(seed, "fold", name), name)):
        smallest = sizes.index(min(sizes))
        fold_of.update(dict.fromkeys(groups[name], smallest))
        sizes[smallest] += len(groups[name])
    found = []
    for fold in range(folds):
        sides = np.full(len(table), "test", dtype=object)
        sides[pool] = ["val" if fold_of[subject] == fold else "train" for subject in subjects[pool]]
        found.append(Split.of(table, sides))
    return found
