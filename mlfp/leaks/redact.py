"""Ids that tell nobody anything: keyed hashes."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import replace

import numpy as np
import pandas as pd

from mlfp.leaks.material import Material

#: What names or dates a person.
COLUMNS = ("scan", "subject", "session", "date", "path")
LENGTH = 16


def redacted(material: Material, key: str | None = None) -> Material:
    """The same with ids as keyed hashes, and without paths and dates.

    The same id under the same key gives the same hash, so that two reports can be compared; who has not the key cannot
    try ids out.

    :param key: kept secret by the user; None draws one and forgets it, so that nobody can.
    """
    secret = (key or secrets.token_hex(32)).encode()
    frame = material.frame.copy()
    for column in COLUMNS:
        values = frame[column].to_numpy(dtype=str)
        if column in ("path", "date"):
            frame[column] = ""
        else:
            told = {value: _hash(secret, column, value) if value else "" for value in np.unique(values)}
            frame[column] = pd.Series([told[value] for value in values], dtype=object)
    return replace(material, frame=frame)


def _hash(secret: bytes, column: str, value: str) -> str:
    return hmac.new(secret, f"{column}\x1f{value}".encode(), hashlib.sha256).hexdigest()[:LENGTH]
