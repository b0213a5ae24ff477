"""The sum of terms: weights, views, pairs, randomness, and steps that train nothing."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import torch
from mlfp_plugins.losses.barlow_twins import BarlowTwinsLoss
from mlfp_plugins.losses.infonce_triplet import InfoNCETripletLoss
from mlfp_plugins.losses.triplet import TripletLoss
from mlfp_plugins.miners.batched_hard import BatchedHardMiner
from mlfp_plugins.miners.easy_positive_semihard import EasyPositiveSemihardMiner
from pytorch_metric_learning import losses

from mlfp.errors import MlfpError, ParameterError, UsageError
from mlfp.seeds import torch_generator
from mlfp.training.objective import PATIENCE_WITH_EMPTY, Objective
from mlfp.training.terms import Layout, ObjectiveValue, Term
from mlfp.types.spec import Spec

LAYOUT = Layout(views=2, scans=2, subjects=4)
LABELS = torch.arange(4).repeat(4)


def rows(seed: int = 0, count: int = 16, size: int = 8) -> torch.Tensor:
    return torch.randn(count, size, generator=torch_generator(seed, "rows")).requires_grad_()


def objective(*terms: Term, **settings: Any) -> Objective:
    return Objective(terms, **{"num_classes": 4, "embedding_size": 8, **settings})


def value_of(made: Objective, embeddings: torch.Tensor, epoch: int = 0, layout: Layout = LAYOUT) -> ObjectiveValue:
    return made(embeddings, LABELS[: len(embeddings)], layout, epoch, 10, (0, "mine", epoch))


def test_total_is_the_sum_of_weight_times_scale_times_loss() -> None:
    made = objective(
        Term(Spec("infonce"), weight={"schedule": "linear"}),
        Term(Spec("triplet", {"margin": 1.0}), weight={"schedule": "linear", "start": 0, "end": 1}, scale=100.0),
    )
    for epoch in (0, 3, 10):
        result = value_of(made, rows(), epoch)
        values, share = result.values, 1 - epoch / 10
        assert values["infonce.weight"] == pytest.approx(share)
        assert values["triplet.weight"] == pytest.approx(100 * (1 - share))
        expected = share * values["infonce.loss"] + 100 * (1 - share) * values["triplet.loss"]
        assert result.total.item() == values["loss"] == pytest.approx(expected, rel=1e-5)


#: DeepBrainPrint's beta(t) by hand: the schedule's keys, and the weight in some epochs of H = 180.
BETAS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[int, float]]] = {
    "constant": (
        {"schedule": "constant", "value": 0.5},
        {"schedule": "constant", "value": 0.5},
        {0: 0.5, 90: 0.5, 179: 0.5},
    ),
    # Equation 8: 1 where t < delta, else 0; delta = 30.
    "step": (
        {"schedule": "step", "at": 30},
        {"schedule": "step", "at": 30, "before": 0, "after": 1},
        {0: 1.0, 29: 1.0, 30: 0.0, 31: 0.0, 179: 0.0},
    ),
    # Equation 9: 1 where floor(t / delta t) is even, else 0; delta t = 30.
    "iterative": (
        {"schedule": "iterative", "every": 30},
        {"schedule": "iterative", "every": 30, "first": 0, "second": 1},
        {0: 1.0, 29: 1.0, 30: 0.0, 59: 0.0, 60: 1.0, 89: 1.0, 90: 0.0, 150: 0.0, 179: 0.0},
    ),
    # Equation 10: 1 - t / H.
    "linear": (
        {"schedule": "linear"},
        {"schedule": "linear", "start": 0, "end": 1},
        {0: 1.0, 18: 0.9, 45: 0.75, 90: 0.5, 144: 0.2, 179: 1 / 180},
    ),
}


@pytest.mark.parametrize("name", BETAS)
def test_deepbrainprint_is_two_terms_with_the_printed_weights(name: str) -> None:
    """Equation 4: beta(t) L_BT + (1 - beta(t)) L_C, Barlow Twins on both views, triplets mined on the first."""
    falling, rising, worked = BETAS[name]
    miner = Spec("easy-positive-semihard")
    made = objective(
        Term(Spec("barlow-twins"), weight=falling),
        Term(Spec("infonce-triplet"), miner=miner, weight=rising),
    )
    embeddings = rows()
    both = BarlowTwinsLoss()(embeddings[:8], embeddings[8:]).item()
    mined = EasyPositiveSemihardMiner()(embeddings[:8], LABELS[:8])
    first = InfoNCETripletLoss()(embeddings[:8], LABELS[:8], mined).item()
    for epoch, beta in worked.items():
        result = made(embeddings, LABELS, LAYOUT, epoch, 180, (0, "mine", epoch))
        assert result.values["barlow-twins.weight"] == pytest.approx(beta)
        assert result.values["infonce-triplet.weight"] == pytest.approx(1 - beta)
        assert result.total.item() == pytest.approx(beta * both + (1 - beta) * first, rel=1e-5)


def test_the_released_factor_is_a_scale() -> None:
    term = Term(Spec("infonce-triplet"), weight={"schedule": "linear", "start": 0, "end": 1}, scale=1e4)
    result = objective(term)(rows(), LABELS, LAYOUT, 45, 180, (0, "mine", 45))
    assert result.values["infonce-triplet.weight"] == pytest.approx(2500.0)


def test_terms_see_their_views() -> None:
    embeddings = rows()
    for views, part in (("first", slice(0, 8)), ("second", slice(8, 16)), ("both", slice(0, 16))):
        made = objective(Term(Spec("triplet"), views=views))  # type: ignore[arg-type]
        expected = TripletLoss()(embeddings[part], LABELS[part])
        torch.testing.assert_close(value_of(made, embeddings).total, expected)


def test_two_view_losses_get_the_two_views() -> None:
    embeddings = rows()
    made = objective(Term(Spec("pml:VICRegLoss")))
    torch.testing.assert_close(
        value_of(made, embeddings).total, losses.VICRegLoss()(embeddings[:8], ref_emb=embeddings[8:])
    )


def test_a_two_view_loss_wants_two_views() -> None:
    with pytest.raises(UsageError, match=r"compares two views[\s\S]*views: 2"):
        value_of(objective(Term(Spec("pml:VICRegLoss"))), rows(count=8), layout=Layout(1, 2, 4))


def test_miners_that_take_pairs_get_those_of_the_layout() -> None:
    embeddings = rows()
    made = objective(Term(Spec("triplet"), miner=Spec("batched-hard"), views="both"))
    result = value_of(made, embeddings)
    miner = BatchedHardMiner()
    miner.generator = torch_generator(0, "mine", 0, 0, "miner")
    mined = miner(embeddings, LABELS, pairs=LAYOUT.pairs())
    torch.testing.assert_close(result.total, TripletLoss()(embeddings, LABELS, mined))
    assert result.values["triplet.kept"] == len(mined[0].unique()) / 8


def test_same_key_same_value_and_no_global_state_is_touched() -> None:
    made = objective(
        Term(Spec("triplet", {"margin": 1.0}), miner=Spec("batched-hard"), views="both"),
        Term(Spec("pml:MarginLoss"), miner=Spec("pml:DistanceWeightedMiner"), views="both"),
    )
    state = torch.random.get_rng_state()
    first = value_of(made, rows()).values
    torch.manual_seed(5)
    between = torch.random.get_rng_state()
    second = value_of(made, rows()).values
    assert first == second
    assert torch.equal(between, torch.random.get_rng_state())
    torch.random.set_rng_state(state)


@pytest.mark.parametrize("miner", ["batched-hard", "easy-positive-semihard", "pml:TripletMarginMiner"])
def test_nothing_mined_is_a_finite_zero_with_a_gradient(miner: str) -> None:
    # Subjects far apart, their rows together: no negative is as near as a positive; or nobody has a positive.
    embeddings = torch.eye(8)[:4].repeat(2, 1).requires_grad_()
    labels = LABELS[:8] if miner == "batched-hard" else torch.arange(8)
    made = objective(Term(Spec("triplet"), miner=Spec(miner)), distance="l2", num_classes=8)
    result = made(embeddings, labels, Layout(1, 2, 4), 0, 1, (0,))
    result.total.backward()
    assert result.total.item() == 0
    assert result.values["triplet.kept"] == 0
    assert torch.equal(embeddings.grad, torch.zeros(8, 8))


def test_a_term_that_trains_nothing_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    made = objective(Term(Spec("triplet"), miner=Spec("batched-hard")), distance="l2")
    embeddings = torch.eye(8)[:4].repeat(2, 1)
    with caplog.at_level(logging.WARNING, logger="mlfp"):
        for _ in range(PATIENCE_WITH_EMPTY - 1):
            value_of(made, embeddings, layout=Layout(1, 2, 4))
        assert not caplog.records
        for _ in range(5):
            values = value_of(made, embeddings, layout=Layout(1, 2, 4)).values
    assert len(caplog.records) == 1
    assert "'triplet' has been zero for 50 steps" in caplog.text
    assert values["triplet.empty"] == PATIENCE_WITH_EMPTY + 4


def test_half_precision_embeddings_are_mined_and_compared_in_32_bit() -> None:
    embeddings = rows().detach().bfloat16().requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        result = value_of(objective(Term(Spec("infonce"))), embeddings)
    assert result.total.dtype == torch.float32
    torch.testing.assert_close(result.total, value_of(objective(Term(Spec("infonce"))), embeddings.float()).total)


def test_a_loss_that_is_not_finite_stops_with_its_name() -> None:
    embeddings = rows().detach()
    embeddings[0, 0] = torch.inf
    with pytest.raises(MlfpError, match=r"'triplet' is nan[\s\S]*learning rate"):
        value_of(objective(Term(Spec("triplet")), distance="l2"), embeddings)


def test_losses_own_their_weights_which_the_seed_decides() -> None:
    made = [objective(Term(Spec("pml:ProxyAnchorLoss")), seed=seed) for seed in (0, 0, 1)]
    weights = [item.loss_parameters() for item in made]
    assert [tuple(weight.shape) for weight in weights[0]] == [(4, 8)]
    assert torch.equal(weights[0][0], weights[1][0])
    assert not torch.equal(weights[0][0], weights[2][0])
    assert not objective(Term(Spec("triplet"))).loss_parameters()


def test_the_same_loss_twice_has_two_names() -> None:
    made = objective(Term(Spec("triplet")), Term(Spec("triplet"), views="second"))
    assert {"triplet.loss", "triplet-2.loss"} <= set(value_of(made, rows()).values)


def test_rehearsal_leaves_no_trace() -> None:
    memory = Spec("pml:CrossBatchMemory", {"loss": {"use": "pml:ContrastiveLoss"}, "memory_size": 64})
    made = objective(Term(memory), Term(Spec("pml:SoftTripleLoss")))
    before = {name: tensor.clone() for name, tensor in made.state_dict().items()}
    made.rehearse(LAYOUT, 8)
    after = made.state_dict()
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())
    assert all(parameter.grad is None for parameter in made.parameters())


@pytest.mark.parametrize(
    ("term", "key", "message"),
    [
        (Term(Spec("pml:InstanceLoss"), miner=Spec("batched-hard")), (0, "loss"), "cannot be evaluated"),
        (Term(Spec("pml:ManifoldLoss")), (0, "loss"), "cannot be evaluated"),
    ],
)
def test_rehearsal_finds_what_cannot_work(term: Term, key: tuple[object, ...], message: str) -> None:
    with pytest.raises(ParameterError, match=message) as caught:
        objective(term).rehearse(LAYOUT, 8)
    assert caught.value.key == key


@pytest.mark.parametrize(
    ("term", "key"),
    [
        (Term(Spec("tripet")), (0, "loss", "use")),
        (Term(Spec("triplet", {"margn": 1})), (0, "loss", "margn")),
        (Term(Spec("triplet"), miner=Spec("batched-herd")), (0, "miner", "use")),
        (Term(Spec("triplet"), weight={"schedule": "linaer"}), (0, "weight", "schedule")),
        (Term(Spec("pml:VICRegLoss"), miner=Spec("batched-hard")), (0, "miner")),
    ],
)
def test_mistakes_are_placed_in_the_configuration(term: Term, key: tuple[object, ...]) -> None:
    with pytest.raises(ParameterError) as caught:
        objective(term)
    assert caught.value.key == key


def test_rows_must_fit_the_layout() -> None:
    with pytest.raises(UsageError, match="Expected 16 rows"):
        objective(Term(Spec("triplet")))(rows(count=8), LABELS[:8], LAYOUT, 0, 1, (0,))


def test_an_objective_needs_a_term() -> None:
    with pytest.raises(ParameterError, match="at least one term"):
        objective()
