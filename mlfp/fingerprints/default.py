"""The model that is taken where none was named: one in the box that does better than what needs no model."""

from __future__ import annotations

from pathlib import Path

from mlfp.data.locate import Announce
from mlfp.data.probe import first_readable
from mlfp.errors import UsageError
from mlfp.fingerprints.locate import model_file
from mlfp.plugins import registry
from mlfp.types.spec import Spec

#: By spatial dimensions: the model, and what it knows. ``brain-v1`` finds another contrast of a moved head more often
#: than mutual information does, subject by subject, also without the lower part of the head (docs/benchmarks.md,
#: brain-zero-shot). For pictures there is none, as none that we trained is of use (there, chest-nih).
DEFAULTS = {3: ("brain-v1", "heads in MRI")}


def default_model(data: Spec, announce: Announce) -> Path:
    """The file of the model for a data set, chosen by its first scan that can be read.

    :param data: the data set.
    :param announce: told which model it is, and why.
    :raises UsageError: there is none in the box for such scans, or no scan can be read.
    """
    dataset = registry().build("dataset", data)
    shape = first_readable(dataset, dataset.table()).shape
    found = " x ".join(map(str, shape))
    if len(shape) not in DEFAULTS:
        what = "pictures" if len(shape) == 2 else f"scans of {len(shape)} dimensions"
        raise UsageError(
            f"no model was named, and there is none in the box for {what} (the first is {found})",
            hints=[
                "Name one: --model DIR, the folder that mlfp train CONFIG wrote.",
                *(f"In the box for {dims}D: {name}, {knows}." for dims, (name, knows) in DEFAULTS.items()),
            ],
        )
    name, knows = DEFAULTS[len(shape)]
    announce(
        f"No --model: {name} is taken, as these are volumes (the first is {found}). "
        f"It knows {knows} and nothing else: for others, name a model."
    )
    return model_file(name)
