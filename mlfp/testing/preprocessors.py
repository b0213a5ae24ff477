"""The contract of preprocessors."""

from __future__ import annotations

import pickle

import numpy as np

from mlfp.interfaces.preprocessor import Preprocessor
from mlfp.testing.contract import global_randomness_untouched, images, name_of, reported, require
from mlfp.testing.datasets import check_volume
from mlfp.types.volume import Volume

_SHAPES = {2: (28, 24), 3: (20, 24, 18)}


def check_preprocessor(preprocessor: Preprocessor, *, spatial_dims: int = 3) -> None:
    """Check a preprocessor against :mod:`mlfp.interfaces.preprocessor`.

    :param spatial_dims: of the scan to try it on.
    :raises ContractError: it gives no volume, forgets which scan it is, changes the one it was given, gives another
        result the second time or in another process, or draws from a global generator.
    """
    name, shape = name_of(preprocessor), _SHAPES[spatial_dims]
    scan = Volume(images(1, 1, shape)[0].numpy(), np.diag([2.0] * spatial_dims + [1.0]), scan="s1-2")
    kept = scan.data.copy()
    with reported(f"{name} on a scan {scan.data.shape}"), global_randomness_untouched(name):
        made, again = preprocessor(scan), preprocessor(scan)
    check_volume(name, made)
    require(made.scan == scan.scan, f"{name} forgets which scan it is: {made.scan!r}")
    require(np.array_equal(scan.data, kept), f"{name} changes the scan it is given")
    require(np.array_equal(made.data, again.data), f"{name} gives another result the second time")
    with reported(f"{name}: sending it to another process"):
        sent = pickle.loads(pickle.dumps(preprocessor))(scan)
    require(np.array_equal(made.data, sent.data), f"{name} gives another result in another process")
