"""The cross-batch memory: what it holds, what it leaves out, which losses it works with, and that it trains."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pytorch_metric_learning import losses, miners

from mlfp.errors import ParameterError
from mlfp.interfaces.miner import IndexTuple
from mlfp.plugins import registry
from mlfp.seeds import torch_generator
from mlfp.training import checkpoint
from mlfp.training.memory import Memory, References, all_pairs, mine
from mlfp.training.objective import Objective
from mlfp.training.terms import Layout, ObjectiveValue, Remembered, Term
from mlfp.types.spec import Spec

LAYOUT = Layout(views=1, scans=2, subjects=4)
LABELS = torch.arange(4).repeat(2)


def rows(*name: Any, count: int = 8, size: int = 6) -> torch.Tensor:
    return torch.randn(count, size, generator=torch_generator("rows", *name))


def objective(*terms: Term, **changes: Any) -> Objective:
    return Objective(terms, **{"num_classes": 4, "embedding_size": 6, **changes})


def value_of(
    made: Objective, embeddings: torch.Tensor, *, epoch: int = 0, step: int = 0, scans: torch.Tensor | None = None
) -> ObjectiveValue:
    return made(embeddings, LABELS, LAYOUT, epoch, 10, (0, "mine", epoch, step), scans=scans)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 7), st.lists(st.integers(1, 9), max_size=6))
def test_it_holds_the_last_rows_whatever_the_batches(size: int, batches: list[int]) -> None:
    made = Memory(size, 0, embedding_size=2)
    written: list[tuple[float, int, int]] = []
    for number, count in enumerate(batches):
        labels = torch.arange(count) + 100 * number
        made.keep(torch.stack([labels.float(), -labels.float()], 1), labels, labels + 7)
        written += [(float(label), int(label), int(label) + 7) for label in labels]
    held = zip(made.embeddings[:, 0].tolist(), made.labels.tolist(), made.scans.tolist(), strict=True)
    expected = written[-size:] + [(0.0, -1, -1)] * (size - len(written))
    assert sorted(held) == sorted(expected)
    recalled = made.recall(torch.zeros(1, 2), torch.tensor([5]), None, 0)
    assert (recalled is None) == (not written)
    if recalled is not None:
        assert sorted(recalled.labels[1:].tolist()) == sorted(label for _, label, _ in written[-size:])


def test_copies_of_the_batch_s_scans_are_left_out() -> None:
    made = Memory(8, 0, embedding_size=2)
    made.keep(torch.randn(4, 2), torch.tensor([0, 0, 1, 1]), torch.tensor([10, 11, 12, 13]))
    recalled = made.recall(torch.zeros(2, 2), torch.tensor([0, 1]), torch.tensor([11, 12]), 0)
    assert recalled is not None
    assert torch.equal(recalled.embeddings[2:], made.embeddings[[0, 3]])
    assert recalled.labels.tolist() == [0, 1, 0, 1]
    assert made.recall(torch.zeros(4, 2), torch.zeros(4).long(), torch.arange(10, 14), 0) is None


def test_while_warming_up_it_is_filled_but_not_used() -> None:
    made = Memory(8, 2, embedding_size=2)
    made.keep(torch.randn(4, 2), torch.zeros(4).long(), None)
    assert [made.recall(torch.zeros(1, 2), torch.zeros(1).long(), None, epoch) is None for epoch in range(4)] == [
        True, True, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize("miner", [None, "batched-hard", "easy-positive-semihard", "pml:TripletMarginMiner"])
@pytest.mark.parametrize("loss", ["triplet", "infonce", "contrastive", "pml:NTXentLoss", "supcon"])
def test_an_empty_memory_changes_nothing(loss: str, miner: str | None) -> None:
    plain = Term(Spec(loss), miner=miner and Spec(miner))
    kept = Term(plain.loss, miner=plain.miner, memory=Remembered(64, warmup=0))
    totals, gradients = [], []
    for term in (plain, kept):
        embeddings = rows("first").requires_grad_()
        result = value_of(objective(term), embeddings)
        result.total.backward()
        totals.append(result.total)
        gradients.append(embeddings.grad)
    assert torch.equal(*totals)
    assert torch.equal(*gradients)


@pytest.mark.parametrize("loss", ["infonce", "triplet", "pml:NTXentLoss", "pml:MultiSimilarityLoss"])
def test_without_a_miner_everything_but_oneself_is_compared(loss: str) -> None:
    """The batch with the memory behind it, as one batch of which the first rows alone are anchors."""
    made = objective(Term(Spec(loss), memory=Remembered(64, warmup=0)))
    past = rows("past")
    value_of(made, past)
    now = rows("now")
    result = value_of(made, now, step=1)
    everything, labels = torch.cat([now, past]), LABELS.repeat(2)
    pairs = [
        (a, b) for a in range(8) for b in range(16) if a != b and labels[a] == labels[b]
    ], [(a, b) for a in range(8) for b in range(16) if labels[a] != labels[b]]  # fmt: skip
    columns = [torch.tensor(column) for kind in pairs for column in zip(*kind, strict=True)]
    alone = registry().build("loss", Spec(loss), num_classes=4, embedding_size=6, distance="cosine")
    torch.testing.assert_close(result.total, alone(everything, labels, tuple(columns)) * _share(loss))
    assert result.values[f"{loss}.memory"] == 8


def _share(loss: str) -> float:
    """MultiSimilarityLoss averages over all rows of the batch; of these, half are anchors."""
    return 2.0 if loss == "pml:MultiSimilarityLoss" else 1.0


def test_all_pairs_leave_out_oneself_alone() -> None:
    labels, ref_labels = torch.tensor([0, 1, 0]), torch.tensor([0, 1, 0, 1, 1, 2])
    a, p, b, n = (index.tolist() for index in all_pairs(labels, ref_labels))
    assert list(zip(a, p, strict=True)) == [(0, 2), (1, 3), (1, 4), (2, 0)]
    assert len(n) == 18 - 3 - 4
    assert all(labels[i] != ref_labels[j] for i, j in zip(b, n, strict=True))


def test_the_library_s_memory_with_easy_positives_trains_nothing_and_this_one_trains() -> None:
    """Every anchor's easiest positive there is its own copy, which is then taken out of the tuples."""
    theirs = losses.CrossBatchMemory(losses.NTXentLoss(0.07), 6, memory_size=64, miner=miners.BatchEasyHardMiner())
    ours = objective(
        Term(Spec("infonce"), miner=Spec("easy-positive-semihard"), memory=Remembered(64, warmup=0)),
        Term(Spec("pml:NTXentLoss"), miner=Spec("pml:BatchEasyHardMiner"), memory=Remembered(64, warmup=0)),
    )
    for step in range(3):
        embeddings, same = rows(step).requires_grad_(), rows(step).requires_grad_()
        lost = theirs(embeddings, LABELS)
        assert lost.item() == 0
        (lost + 0 * embeddings.sum()).backward()
        assert not embeddings.grad.any()
        values = value_of(ours, same, step=step)
        values.total.backward()
        assert values.values["infonce.loss"] > 0
        assert values.values["pml:NTXentLoss.loss"] > 0
        assert same.grad.abs().sum() > 0


def test_gradients_reach_the_batch_s_rows_on_both_sides_and_the_memory_is_none_the_wiser() -> None:
    made = objective(Term(Spec("triplet", {"margin": 1.0}), memory=Remembered(8, warmup=0)))
    value_of(made, rows("past"))
    now = rows("now").requires_grad_()
    value = value_of(made, now, step=1).total  # this batch has overwritten the last by now
    before = made.state_dict()["terms.0.memory.embeddings"].clone()
    value.backward()
    assert now.grad.abs().sum(dim=1).gt(0).all()
    assert torch.equal(before, now.detach())
    assert not before.requires_grad


def _both_ways(name: str, distance: str, references: References, batch: torch.Tensor) -> IndexTuple:
    miner = registry().build("miner", Spec(name), distance=distance)
    return mine(miner, batch, references.labels[: len(batch)], references, None)


@pytest.mark.parametrize("distance", ["cosine", "l2", "inner"])
def test_asked_anchor_by_anchor_the_library_s_miner_chooses_as_ours_that_is_told(distance: str) -> None:
    batch, past = rows("batch", count=10), rows("past", count=23)
    labels = torch.randint(0, 4, (33,), generator=torch_generator("labels"))
    references = References(torch.cat([batch, past]), labels)
    ours = _both_ways("easy-positive-semihard", distance, references, batch)
    theirs = _both_ways("pml:BatchEasyHardMiner", distance, references, batch)
    assert len(ours[0]) > 5
    assert all(map(torch.equal, ours, theirs))


def test_triplets_of_a_foreign_miner_are_all_but_those_with_oneself() -> None:
    batch, past = rows("batch", count=6), rows("past", count=7)
    labels = torch.randint(0, 3, (13,), generator=torch_generator("labels"))
    miner = registry().build("miner", Spec("pml:TripletMarginMiner", {"margin": 100}), distance="l2")
    found = mine(miner, batch, labels[:6], References(torch.cat([batch, past]), labels), None)
    assert sorted(zip(*(index.tolist() for index in found), strict=True)) == [
        (a, p, n)
        for a, p, n in itertools.product(range(6), range(13), range(13))
        if a != p and labels[a] == labels[p] and labels[a] != labels[n]
    ]


def test_a_foreign_miner_that_takes_pairs_gets_those_of_each_anchor() -> None:
    seen = []

    class Pairing:
        def __call__(self, embeddings: Any, labels: Any, ref_emb: Any, ref_labels: Any, pairs: Any) -> IndexTuple:
            seen.append([torch.equal(embeddings[a] + 1, ref_emb[p]) for a, p in pairs.tolist()])
            return pairs[:, 0], pairs[:, 1], pairs[:, 1]

    batch = torch.cat([torch.zeros(2, 3), torch.ones(2, 3)]) + torch.tensor([0.0, 5, 0, 5])[:, None]
    pairs = torch.tensor([[0, 2], [1, 3]])
    found = mine(Pairing(), batch, torch.tensor([0, 1, 0, 1]), References(batch, torch.tensor([0, 1, 0, 1])), pairs)
    assert seen == [[True], [True], [], []]
    assert [index.tolist() for index in found] == [[0, 1], [2, 3], [2, 3]]


def test_batched_hard_draws_from_the_batch_s_anchors_and_from_what_is_remembered() -> None:
    """Pairs stay those of the batch; its positives are nobody's negatives, as in Algorithm 1."""
    batch = torch.tensor([[0.0], [20.0], [9.0], [21.0]])  # subjects 0 and 1: anchors 0 and 20, positives 9 and 21
    past = torch.tensor([[4.0], [8.0], [2.0], [19.5], [50.0]])
    labels = torch.tensor([0, 1, 0, 1, 2, 1, 0, 3, 2])
    miner = registry().build("miner", Spec("batched-hard"), distance="l2")
    drawn: dict[int, set[int]] = {0: set(), 1: set()}
    for seed in range(60):
        miner.generator = torch_generator(seed)
        found = mine(miner, batch, labels[:4], References(torch.cat([batch, past]), labels), Layout(1, 2, 2).pairs())
        assert found[0].tolist() == [0, 1]
        assert found[1].tolist() == [2, 3]
        for anchor, negative in zip(found[0].tolist(), found[2].tolist(), strict=True):
            drawn[anchor].add(negative)
    # anchor 0 reaches 9 far: rows 4 and 5 are strangers within; row 6 is its own. Anchor 20 reaches 1 far: row 7.
    assert drawn == {0: {4, 5}, 1: {7}}


def test_batched_hard_finds_pairs_by_label_where_the_batch_has_none_by_construction() -> None:
    batch, past = torch.tensor([[0.0], [10.0]]), torch.tensor([[3.0], [1.0], [12.0]])
    labels = torch.tensor([0, 1, 0, 2, 1])
    miner = registry().build("miner", Spec("batched-hard"), distance="l2")
    found = mine(miner, batch, labels[:2], References(torch.cat([batch, past]), labels), None)
    # 0 with row 2, 3 far: row 3 is a stranger within. 10 with row 4, 2 far: nobody within.
    assert [index.tolist() for index in found] == [[0], [2], [3]]


def test_a_scan_s_older_copy_is_no_positive() -> None:
    term = Term(Spec("infonce"), miner=Spec("easy-positive-semihard"), memory=Remembered(64, warmup=0))
    scans = torch.arange(8)
    known, unknown = objective(term), objective(term)
    for made, told in ((known, scans), (unknown, None)):
        value_of(made, rows("now"), scans=told)
    assert value_of(known, rows("now"), step=1, scans=scans).values["infonce.memory"] == 0
    assert value_of(unknown, rows("now"), step=1).values["infonce.memory"] == 8


def test_it_is_part_of_the_state_and_goes_on_to_the_bit() -> None:
    term = Term(Spec("triplet"), miner=Spec("batched-hard"), memory=Remembered(20, warmup=0))
    whole, resumed = objective(term), objective(term)
    for step in range(4):
        value_of(whole, rows(step), step=step, scans=torch.arange(8) + 8 * step)
    checkpoint.load_module_state(resumed, checkpoint.module_state(whole))
    for step in range(4, 7):
        scans = torch.arange(8) + 8 * step
        one, other = (value_of(made, rows(step), step=step, scans=scans) for made in (whole, resumed))
        assert one.values == other.values


def test_rehearsal_tries_the_memory_and_leaves_it_empty() -> None:
    made = objective(Term(Spec("triplet"), miner=Spec("pml:BatchHardMiner"), memory=Remembered(20, warmup=3)))
    made.rehearse(LAYOUT, 6)
    assert int(made.state_dict()["terms.0.memory.written"]) == 0


#: What cannot be used with a memory, and why.
NEEDED = {
    "pml:RankedListLoss": {"margin": 0.5, "Tn": 10},
    "pml:SelfSupervisedLoss": {"loss": {"use": "pml:NTXentLoss"}},
    "pml:CrossBatchMemory": {"loss": {"use": "pml:ContrastiveLoss"}, "memory_size": 32},
}
BY_CLASS = "compares with learned classes, not with rows"
TWO_VIEWS = "compares two views of the batch"
WHOLE_BATCH = "is defined on all rows of one batch"
REFUSED = {
    **dict.fromkeys(["arcface", "proxy-nca", "soft-triple"], BY_CLASS),
    **dict.fromkeys(["barlow-twins", "nt-xent", "vicreg"], TWO_VIEWS),
    **dict.fromkeys(["pml:SelfSupervisedLoss", "pml:VICRegLoss"], TWO_VIEWS),
    **{
        f"pml:{name}Loss": BY_CLASS
        for name in (
            "ArcFace", "CosFace", "LargeMarginSoftmax", "NormalizedSoftmax", "P2SGrad", "ProxyAnchor", "ProxyNCA",
            "SoftTriple", "SphereFace", "SubCenterArcFace",
        )
    },
    **{
        f"pml:{name}Loss": WHOLE_BATCH
        for name in ("FastAP", "Histogram", "Instance", "Manifold", "NPairs", "PNP", "RankedList", "SmoothAP")
    },
    "pml:NCALoss": "compares every row with all references, itself among them, whatever the tuple says",
    "pml:ThresholdConsistentMarginLoss": "indexes the batch with rows of the references",
    "pml:CrossBatchMemory": "is a memory itself",
}  # fmt: skip
OWN = [component.name for component in registry().components("loss") if component.plugin == "mlfp"]
THEIRS = [f"pml:{name}" for name in vars(losses) if name.endswith("Loss") and name != "GenericPairLoss"]
LOSSES = sorted([*OWN, *THEIRS, "pml:CrossBatchMemory"])


@pytest.fixture
def theirs_warn() -> Iterator[None]:
    """Some of the library's losses do what torch and numpy are about to drop."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.usefixtures("theirs_warn")
def test_every_loss_works_with_a_memory_or_is_refused(name: str) -> None:
    term = Term(Spec(name, NEEDED.get(name, {})), memory=Remembered(20, warmup=0))
    if name in REFUSED:
        with pytest.raises(ParameterError, match="cannot be used with a memory") as caught:
            objective(term)
        assert caught.value.key == (0, "memory")
        return
    made = objective(term)
    for step in range(3):
        embeddings = rows(step).requires_grad_()
        value_of(made, embeddings, step=step).total.backward()
        assert embeddings.grad.isfinite().all()
        assert embeddings.grad.any()


def test_the_table_of_refusals_names_losses_that_are_there() -> None:
    assert set(REFUSED) <= set(LOSSES)


@pytest.mark.parametrize("name", sorted(item for item in vars(miners) if item.endswith("Miner")))
def test_every_miner_works_with_a_memory(name: str) -> None:
    if name in ("BaseMiner", "EmbeddingsAlreadyPackagedAsTriplets"):
        return
    made = objective(Term(Spec("contrastive"), miner=Spec(f"pml:{name}"), memory=Remembered(20, warmup=0)))
    for step in range(3):
        embeddings = rows(step).requires_grad_()
        result = value_of(made, embeddings, step=step)
        result.total.backward()
        assert embeddings.grad.isfinite().all()
    assert result.values["contrastive.memory"] == 16
    assert result.values["contrastive.kept"] > 0
