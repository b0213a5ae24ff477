"""pytorch-metric-learning's classes by name, with what the engine offers them."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator

import pytest
import torch
from pytorch_metric_learning import distances, losses

from mlfp.errors import ParameterError, UnknownComponentError
from mlfp.libraries import pml
from mlfp.plugins import registry
from mlfp.seeds import torch_generator
from mlfp.types.spec import Spec

OFFERED = {"num_classes": 6, "embedding_size": 8, "distance": "cosine"}
#: What pytorch-metric-learning 2.9 cannot make without being told more.
NEEDED = {
    "RankedListLoss": {"margin": 0.5, "Tn": 10},
    "SelfSupervisedLoss": {"loss": {"use": "pml:NTXentLoss"}},
    "CrossBatchMemory": {"loss": {"use": "pml:ContrastiveLoss"}, "memory_size": 32},
}
ALL = sorted(
    name for name in vars(losses) if (name.endswith("Loss") or name == "CrossBatchMemory") and name != "GenericPairLoss"
)


@pytest.fixture
def theirs_warn() -> Iterator[None]:
    """HistogramLoss and LargeMarginSoftmaxLoss index and multiply in ways that torch and numpy are about to drop."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.mark.parametrize("distance", ["cosine", "l2", "inner"])
@pytest.mark.parametrize("name", ALL)
@pytest.mark.usefixtures("theirs_warn")
def test_every_loss_is_made_with_what_the_engine_offers(name: str, distance: str) -> None:
    loss = registry().build("loss", Spec(f"pml:{name}", NEEDED.get(name, {})), **{**OFFERED, "distance": distance})
    assert isinstance(loss, torch.nn.Module)


@pytest.mark.parametrize("name", sorted(set(ALL) - {"ManifoldLoss", "VICRegLoss", "SelfSupervisedLoss"}))
@pytest.mark.usefixtures("theirs_warn")
def test_every_label_loss_has_a_finite_gradient(name: str) -> None:
    loss = registry().build("loss", Spec(f"pml:{name}", NEEDED.get(name, {})), **OFFERED)
    rows = torch.randn(12, 8, generator=torch_generator(0)).requires_grad_()
    value = loss(rows, torch.arange(6).repeat(2))
    value.sum().backward()
    assert rows.grad.isfinite().all()


@pytest.mark.parametrize("name", ["VICRegLoss", "SelfSupervisedLoss"])
def test_two_view_losses_take_two_views(name: str) -> None:
    loss = registry().build("loss", Spec(f"pml:{name}", NEEDED.get(name, {})), **OFFERED)
    first, second = (torch.randn(6, 8, generator=torch_generator(view)) for view in range(2))
    assert loss(first, second).isfinite()


def test_vicreg_is_theirs() -> None:
    loss = registry().build("loss", Spec("pml:VICRegLoss"), **OFFERED)
    first, second = (torch.randn(6, 8, generator=torch_generator(view)) for view in range(2))
    torch.testing.assert_close(loss(first, second), losses.VICRegLoss()(first, ref_emb=second))


def test_an_offered_distance_leaves_one_that_orders_alike() -> None:
    loss = registry().build("loss", Spec("pml:ContrastiveLoss"), **OFFERED)
    assert isinstance(loss.distance, distances.LpDistance)
    assert loss.distance.normalize_embeddings


def test_an_offered_distance_replaces_one_that_orders_otherwise() -> None:
    loss = registry().build("loss", Spec("pml:MultiSimilarityLoss"), **{**OFFERED, "distance": "l2"})
    assert isinstance(loss.distance, pml.EuclideanDistance)
    assert not loss.distance.normalize_embeddings


def test_a_distance_that_the_user_wrote_is_taken_as_it_is() -> None:
    named = registry().build("loss", Spec("pml:ContrastiveLoss", {"distance": "cosine"}), **OFFERED)
    assert isinstance(named.distance, distances.CosineSimilarity)
    nested = Spec("pml:ContrastiveLoss", {"distance": {"use": "pml:LpDistance", "p": 1}})
    assert registry().build("loss", nested, **OFFERED).distance.p == 1


def test_a_class_that_insists_keeps_its_own_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="mlfp"):
        loss = registry().build("loss", Spec("pml:CircleLoss"), **{**OFFERED, "distance": "l2"})
    assert isinstance(loss.distance, distances.CosineSimilarity)
    assert "CircleLoss only works with its own distance" in caplog.text


def test_nested_losses_get_the_comparison_s_distance() -> None:
    memory = registry().build(
        "loss", Spec("pml:CrossBatchMemory", NEEDED["CrossBatchMemory"]), **{**OFFERED, "distance": "l2"}
    )
    assert isinstance(memory.loss.distance, pml.EuclideanDistance)


def test_reducers_are_parts() -> None:
    loss = registry().build("loss", Spec("pml:TripletMarginLoss", {"reducer": {"use": "pml:MeanReducer"}}), **OFFERED)
    assert type(loss.reducer).__name__ == "MeanReducer"


def test_miners_take_the_distance_too() -> None:
    miner = registry().build("miner", Spec("pml:BatchHardMiner"), **{**OFFERED, "distance": "inner"})
    assert isinstance(miner.distance, distances.DotProductSimilarity)


def test_memory_remembers_how_full_it_is() -> None:
    spec = Spec("pml:CrossBatchMemory", {"loss": {"use": "pml:ContrastiveLoss"}, "memory_size": 10})
    memory = registry().build("loss", spec, **OFFERED)
    for step in range(3):
        memory(torch.randn(4, 8, generator=torch_generator(step)), torch.arange(2).repeat(2))
    other = registry().build("loss", spec, **OFFERED)
    other.load_state_dict(memory.state_dict())
    assert (other.has_been_filled, other.queue_idx) == (True, 2)
    rows, labels = torch.randn(4, 8, generator=torch_generator("next")), torch.arange(2).repeat(2)
    torch.testing.assert_close(other(rows, labels), memory(rows, labels))


def test_dynamic_soft_margin_takes_more_than_one_step_and_is_restored() -> None:
    one, other = (registry().build("loss", Spec("pml:DynamicSoftMarginLoss"), **OFFERED) for _ in range(2))
    for step in range(3):
        rows = torch.randn(12, 8, generator=torch_generator(step)).requires_grad_()
        one(rows, torch.arange(6).repeat(2)).backward()
    other.load_state_dict(one.state_dict())
    rows, labels = torch.randn(12, 8, generator=torch_generator("next")), torch.arange(6).repeat(2)
    assert torch.equal(other(rows, labels), one(rows, labels))


def test_a_class_with_a_regulariser_takes_the_offered_distance() -> None:
    spec = Spec("pml:MultiSimilarityLoss", {"embedding_regularizer": {"use": "pml:LpRegularizer"}})
    loss = registry().build("loss", spec, **{**OFFERED, "distance": "l2"})
    assert not loss.distance.normalize_embeddings
    assert isinstance(loss.embedding_regularizer, torch.nn.Module)


def test_unknown_names_are_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownComponentError, match=r"no loss 'ContrastivLoss'[\s\S]*Did you mean: ContrastiveLoss"):
        registry().build("loss", Spec("pml:ContrastivLoss"), **OFFERED)
    with pytest.raises(ParameterError, match=r"unknown distance 'cosin'[\s\S]*Did you mean: cosine"):
        registry().build("loss", Spec("pml:ContrastiveLoss", {"distance": "cosin"}), **OFFERED)
    with pytest.raises(ParameterError, match="margn"):
        registry().build("loss", Spec("pml:TripletMarginLoss", {"margn": 1}), **OFFERED)


def test_euclidean_distance_of_a_row_and_itself_is_zero() -> None:
    rows = 5 * torch.randn(64, 128, generator=torch_generator(0))
    assert torch.equal(pml.distance("l2")(rows).diagonal(), torch.zeros(64))
