"""Every miner of pytorch-metric-learning with every loss of it, by name, through an objective.

Each pair gives a finite value and gradient, or is refused for a reason that stands here.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator

import pytest
import torch
from pytorch_metric_learning import losses, miners

from mlfp.errors import ParameterError, UnknownComponentError
from mlfp.libraries import pml
from mlfp.seeds import torch_generator
from mlfp.training.objective import Objective
from mlfp.training.terms import Layout, Term
from mlfp.types.spec import Spec

MINERS = sorted(name for name in vars(miners) if name[0].isupper() and name != "BaseMiner")
LOSSES = sorted(name for name in vars(losses) if name[0].isupper() and not name.startswith(("Base", "Generic")))
LOSSES = [name for name in LOSSES if not name.endswith("Mixin")]
#: Losses that cannot be made without being told more.
NEEDED = {
    "RankedListLoss": {"margin": 0.5, "Tn": 10},
    "SelfSupervisedLoss": {"loss": {"use": "pml:NTXentLoss"}},
    "CrossBatchMemory": {"loss": {"use": "pml:ContrastiveLoss"}, "memory_size": 32},
}
#: Losses that go with no miner, and why. They work without one, but for the last two.
NO_TUPLES = {
    "InstanceLoss": "a softmax over all rows of a batch",
    "P2SGradLoss": "a softmax over learned classes that weighs no rows",
    "PNPLoss": "ranks all rows of a batch",
    "RankedListLoss": "chooses its pairs itself",
    "SelfSupervisedLoss": "takes two views and no labels",
    "VICRegLoss": "takes two views and no labels",
    "ManifoldLoss": "takes no labels",
    "MultipleLosses": "an objective's terms are several losses",
}
#: Miners that go with no loss.
NO_MINER = {"EmbeddingsAlreadyPackagedAsTriplets": "takes every three rows for a triplet, which batches do not hold"}
#: Pairs that give a finite value without a gradient on this batch, and why.
FLAT = {
    ("PairMarginMiner", "HistogramLoss"): "the few mined negatives are all nearer than the positives: a histogram "
    "loss of 1, the most there is, where it is flat",
}
ROWS = torch.randn(24, 8, generator=torch.Generator().manual_seed(0))
LABELS, LAYOUT = torch.arange(6).repeat(4), Layout(views=2, scans=2, subjects=6)


@pytest.fixture(autouse=True)
def _theirs_warn(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Some do what torch and numpy are about to drop, and some say that they keep their own distance."""
    caplog.set_level(logging.ERROR, logger="mlfp")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def objective(miner: str, loss: str) -> Objective:
    term = Term(Spec(f"pml:{loss}", NEEDED.get(loss, {})), miner=Spec(f"pml:{miner}"), views="both")
    return Objective([term], num_classes=6, embedding_size=8)


@pytest.mark.parametrize("loss", sorted(set(LOSSES) - set(NO_TUPLES)))
def test_a_loss_trains_with_every_miner(loss: str) -> None:
    for miner in sorted(set(MINERS) - set(NO_MINER)):
        rows = ROWS.clone().requires_grad_()
        result = objective(miner, loss)(rows, LABELS, LAYOUT, 0, 1, (0,))
        result.total.backward()
        assert result.total.isfinite(), miner
        assert rows.grad.isfinite().all(), miner
        assert bool(rows.grad.any()) == ((miner, loss) not in FLAT), miner


@pytest.mark.parametrize("loss", sorted(NO_TUPLES))
def test_a_loss_that_goes_with_no_miner_is_refused_before_the_training(loss: str) -> None:
    with pytest.raises(ParameterError) as caught:
        objective("BatchHardMiner", loss).rehearse(LAYOUT, 8)
    assert caught.value.key[:2] in ((0, "loss"), (0, "miner"))


@pytest.mark.parametrize("miner", sorted(NO_MINER))
def test_a_miner_that_goes_with_no_loss_is_refused(miner: str) -> None:
    with pytest.raises(UnknownComponentError, match="cannot be used here") as caught:
        objective(miner, "TripletMarginLoss")
    assert caught.value.key == (0, "miner", "use")


@pytest.mark.parametrize("loss", sorted(set(LOSSES) - {"ManifoldLoss", "MultipleLosses"}))
def test_every_loss_trains_without_a_miner(loss: str) -> None:
    term = Term(Spec(f"pml:{loss}", NEEDED.get(loss, {})), views="both")
    rows = ROWS.clone().requires_grad_()
    Objective([term], num_classes=6, embedding_size=8)(rows, LABELS, LAYOUT, 0, 1, (0,)).total.backward()
    assert rows.grad.isfinite().all()
    assert rows.grad.any()


def test_the_flat_pair_is_at_the_most_there_is() -> None:
    for miner, loss in FLAT:
        value = objective(miner, loss)(ROWS.clone().requires_grad_(), LABELS, LAYOUT, 0, 1, (0,)).total
        assert value.item() == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("miner", sorted(set(MINERS) - set(NO_MINER)))
def test_every_miner_survives_what_batches_can_hold(miner: str) -> None:
    """Nothing to mine, one pair, duplicates, no variation: finite, with a gradient to call backward on."""
    generator = torch_generator("odd")
    odd = {
        "one scan a subject": (torch.randn(6, 8, generator=generator), torch.arange(6)),
        "one subject": (torch.randn(6, 8, generator=generator), torch.zeros(6).long()),
        "one pair": (torch.randn(4, 8, generator=generator), torch.tensor([0, 0, 1, 2])),
        "duplicates": (torch.randn(3, 8, generator=generator).repeat(2, 1), torch.arange(3).repeat(2)),
        "all equal": (torch.ones(6, 8), torch.arange(3).repeat(2)),
    }
    for what, (rows, labels) in odd.items():
        rows = rows.clone().requires_grad_()
        made = objective(miner, "TripletMarginLoss")
        # Both views of one view are that view.
        value = made(rows, labels, Layout(1, 1, len(rows)), 0, 1, (0,)).total
        value.backward()
        assert value.isfinite(), what
        assert rows.grad.isfinite().all(), what


def test_what_makes_no_sense_here_is_not_offered() -> None:
    with pytest.raises(UnknownComponentError) as caught:
        pml.load("miner", "BatchHardMinr")
    assert "EmbeddingsAlreadyPackaged" not in str(caught.value)
