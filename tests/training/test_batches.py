"""What a batch takes, and what it says where there is not enough of it."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
import torch

from mlfp.errors import ParameterError, UsageError
from mlfp.training.augment import AugmentationChain
from mlfp.training.batches import Batches
from mlfp.training.run import Run
from mlfp.training.settings import BatchSettings, TrainingSettings
from mlfp.types.scan_table import ScanTable


class Scans:
    """What batches use of a ScanSet: an image holds its scan's number."""

    def __init__(self, *subjects: str) -> None:
        rows = [(f"{s}-{n}", f"S{s}", letter) for s, letters in enumerate(subjects) for n, letter in enumerate(letters)]
        self.table = ScanTable(pd.DataFrame(rows, columns=["scan", "subject", "modality"]))

    def images(self, rows: Any) -> torch.Tensor:
        return torch.as_tensor(rows).float()[:, None, None, None].expand(-1, 1, 4, 4)


def batches(settings: dict[str, Any], *subjects: str) -> Batches:
    scans: Any = Scans(*subjects)
    device, layout = torch.device("cpu"), torch.contiguous_format
    made = BatchSettings(**settings)
    return Batches(scans, made, AugmentationChain([]), seed=0, device=device, memory_format=layout)


def test_a_pair_of_other_modalities() -> None:
    made = batches({"pair": {"column": "modality", "rule": "different"}, "views": 2}, "AB", "AAB", "BA", "AB")
    values, subjects = made.scans.table.column("modality"), made.scans.table.subjects
    assert (made.layout.views, made.layout.scans, made.layout.subjects) == (2, 2, 4)
    for step in range(10):
        rows = made.rows(step).reshape(2, 4)
        assert (values[rows[0]] != values[rows[1]]).all()
        assert (subjects[rows[0]] == subjects[rows[1]]).all()
        batch = made.batch(step, 0)
        assert batch.scans.tolist() == [*rows.ravel(), *rows.ravel()]
        assert torch.equal(batch.images[:, 0, 0, 0].long(), batch.scans)


def test_subjects_that_are_never_drawn_are_counted(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        batches({"pair": {"column": "modality", "rule": "same"}}, "AA", "AAB", "AB", "A")
    assert "2 of 4 training subjects are never drawn: they are no subjects with 2 scans of one modality" in caplog.text
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        batches({"pair": {"column": "modality", "rule": "same", "prefer": True}}, "AA", "AAB", "AB", "A")
        batches({}, "AA", "AAB", "AB", "A")
    assert not caplog.text


def test_too_few_that_keep_the_rule_say_what_there_is() -> None:
    with pytest.raises(UsageError, match="1 subjects with 2 scans of different modality") as caught:
        batches({"pair": {"column": "modality", "rule": "different"}}, "AB", "AA", "BB")
    said = " ".join(caught.value.hints)
    assert "modality is one of: A, B" in said
    assert "3 subjects have 2 scans of any modality: pair: {..., prefer: true}" in said
    with pytest.raises(ParameterError, match="a batch of 3 subjects with 2 scans of one modality") as asked:
        batches({"subjects": 3, "pair": {"column": "modality", "rule": "same"}}, "AA", "AAB", "AB")
    assert asked.value.key == ("batch", "subjects")
    with pytest.raises(ParameterError, match="has no column 'modalty'") as column:
        batches({"pair": {"column": "modalty", "rule": "same"}}, "AA", "AA")
    assert column.value.key == ("batch", "pair", "column")


@pytest.mark.parametrize(
    ("batch", "key", "says"),
    [
        ({"size": 8, "pair": {"column": "site", "rule": "same"}}, "pair", "a batch has one of each"),
        ({"scans": 1, "pair": {"column": "site", "rule": "same"}}, "pair", "a batch has one of each"),
        ({"allow_repeats": True, "pair": {"column": "site", "rule": "same"}}, "pair", "do not go together"),
        ({"pair": {"column": "site", "rule": "other"}}, "rule", "'same', 'different' or 'any'"),
        ({"pair": {"colum": "site", "rule": "same"}}, "colum", "colum"),
    ],
)
def test_settings_that_say_nothing_are_refused(batch: dict[str, Any], key: str, says: str) -> None:
    with pytest.raises(ParameterError, match=says) as caught:
        TrainingSettings.parse({"encoder": "compact-2d", "batch": batch})
    assert caught.value.key[0] == "batch"
    assert key in caught.value.key


def test_a_training_without_a_rule_is_the_one_it_was() -> None:
    """A run's id does not know of keys that say nothing."""
    settings = TrainingSettings.parse({"encoder": "compact-2d", "batch": {"subjects": 8}})
    assert "pair" not in settings.decisive()["batch"]
    ruled = {"subjects": 8, "pair": {"column": "site", "rule": "same"}}
    told = TrainingSettings.parse({"encoder": "compact-2d", "batch": ruled}).decisive()
    assert told["batch"]["pair"] == {"column": "site", "rule": "same", "prefer": False}


def test_anchors_and_positives_are_normalised_apart_only_where_asked() -> None:
    """Apart: each block of a view and a scan is normalised by its own statistics, as in two forward passes."""
    norm = torch.nn.BatchNorm1d(3, affine=False)
    images = torch.randn(8, 3, generator=torch.Generator().manual_seed(0))
    images[4:] += 5  # the second scans are brighter
    found = {}
    for encode in ("together", "apart"):
        settings = SimpleNamespace(train=SimpleNamespace(encode=encode))
        layout = SimpleNamespace(layout=SimpleNamespace(subjects=4))
        run: Any = SimpleNamespace(settings=settings, module=norm, batches=layout)
        found[encode] = Run._encode(run, images)
    torch.testing.assert_close(found["together"], norm(images))
    torch.testing.assert_close(found["apart"], torch.cat([norm(images[:4]), norm(images[4:])]))
    assert found["together"][4:].mean() > 0.5 > abs(float(found["apart"][4:].mean()))
