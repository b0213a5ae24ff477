"""A cross-batch memory: what past batches were embedded as, for a term to compare the batch with.

After Wang et al. 2020, Cross-Batch Memory for Embedding Learning. The rows that a term compares with are then those of
the batch, followed by the memory's; anchors are always of the batch. Before anything is mined,

- every anchor's own row is left out. pytorch-metric-learning's CrossBatchMemory takes it out of the tuples only
  afterwards, so that a miner of easy positives has found each anchor to be its own positive by then, and nothing is
  trained;
- rows of the memory that show a scan of the batch are left out: an embedding of the same image, some steps old, is
  nearly the anchor itself.

With an empty memory a term gives what it gives without one.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mlfp.errors import ParameterError
from mlfp.interfaces.miner import IndexTuple
from mlfp.seeds import seeded_globals, torch_generator

#: What a loss must take.
_NEEDED = ("indices_tuple", "ref_emb", "ref_labels")


def accepted(component: Callable[..., object]) -> set[str]:
    """The keywords a loss or a miner takes when called; of a module those of ``forward``, whose signature says more."""
    called = component.forward if isinstance(component, nn.Module) else component
    return set(inspect.signature(called).parameters)


@dataclass(frozen=True)
class References:
    """What anchors are compared with: row i is row i of the batch, the rest are older.

    :param embeddings: (R, D); those of the batch with their gradient.
    :param labels: (R,).
    """

    embeddings: Tensor
    labels: Tensor


class Memory(nn.Module):
    """The last ``size`` embeddings of a term, oldest overwritten first; all of it is in ``state_dict``.

    It is filled from the first step on, and used from epoch ``warmup`` on, when embeddings drift less. The paper warms
    up for 1000 steps; epochs are what other schedules count, and need no state.

    :param size: rows it holds. Of a batch that has more, the last are kept.
    :param warmup: epochs in which it is filled but not used.
    :param embedding_size: D.
    """

    embeddings: Tensor
    labels: Tensor
    scans: Tensor
    written: Tensor

    def __init__(self, size: int, warmup: int, embedding_size: int) -> None:
        super().__init__()
        self.size = size
        self.warmup = warmup
        self.register_buffer("embeddings", torch.zeros(size, embedding_size))
        self.register_buffer("labels", torch.full((size,), -1))
        self.register_buffer("scans", torch.full((size,), -1))
        #: Rows ever written: how full it is, and where the next row goes.
        self.register_buffer("written", torch.tensor(0))

    def recall(self, embeddings: Tensor, labels: Tensor, scans: Tensor | None, epoch: int) -> References | None:
        """The batch's own rows and those remembered; None while there is nothing to remember.

        :param embeddings: (B, D).
        :param labels: (B,).
        :param scans: (B,) which scan each row shows; None where nobody knows, and then none is left out.
        :param epoch: counted from 0.
        """
        filled = min(int(self.written), self.size)
        if epoch < self.warmup or not filled:
            return None
        kept = torch.ones(filled, dtype=torch.bool, device=self.labels.device)
        if scans is not None:
            kept = ~torch.isin(self.scans[:filled], scans)
        # Indexing copies: what is written after the loss must not change what its gradient is worked out from.
        past, whose = self.embeddings[:filled][kept], self.labels[:filled][kept]
        return References(torch.cat([embeddings, past]), torch.cat([labels, whose])) if len(past) else None

    def keep(self, embeddings: Tensor, labels: Tensor, scans: Tensor | None) -> None:
        """Write a batch's rows over the oldest."""
        embeddings, labels = embeddings.detach()[-self.size :], labels[-self.size :]
        places = (self.written + torch.arange(len(labels), device=labels.device)) % self.size
        self.embeddings[places] = embeddings.to(self.embeddings.dtype)
        self.labels[places] = labels
        self.scans[places] = -1 if scans is None else scans[-self.size :]
        self.written += len(labels)


def all_pairs(labels: Tensor, ref_labels: Tensor) -> IndexTuple:
    """Every pair of a row of the batch and a reference, but a row and itself: (anchors, positives, anchors, negatives).

    :param labels: (B,).
    :param ref_labels: (R,), the first B those of the batch.
    """
    same = labels[:, None] == ref_labels[None]
    strange = ~same
    same.fill_diagonal_(fill_value=False)
    return (*same.nonzero(as_tuple=True), *strange.nonzero(as_tuple=True))


def mine(
    miner: Callable[..., IndexTuple], embeddings: Tensor, labels: Tensor, references: References, pairs: Tensor | None
) -> IndexTuple:
    """What a miner chooses for the anchors of a batch from the references, each anchor's own row left out.

    A miner with a keyword ``own`` is told which rows those are. Any other is asked anchor by anchor, with the
    references but that one: what it does to an anchor cannot depend on the others then.

    :param pairs: (P, 2) rows of anchor and positive, for a miner that takes them.
    """
    own = torch.arange(len(labels), device=labels.device)
    past = references.embeddings.detach()
    if "own" in accepted(miner):
        told = {"own": own} if pairs is None else {"own": own, "pairs": pairs.to(labels.device)}
        return miner(embeddings, labels, ref_emb=past, ref_labels=references.labels, **told)
    total = len(past)
    # Two rounds of the references: those after row i, up to the row before it, lie together.
    ring, ring_labels = torch.cat([past, past[: len(labels)]]), torch.cat([references.labels, labels])
    found = []
    for i in range(len(labels)):
        others = slice(i + 1, i + total)
        told = {} if pairs is None else {"pairs": _turned(pairs.to(labels.device), i, total)}
        anchor = slice(i, i + 1)
        chosen = miner(embeddings[anchor], labels[anchor], ref_emb=ring[others], ref_labels=ring_labels[others], **told)
        found.append(_turned_back(chosen, i, total))
    return tuple(torch.cat(indices) for indices in zip(*found, strict=True))


def _turned(pairs: Tensor, anchor: int, total: int) -> Tensor:
    """The pairs of one anchor, as rows of itself alone and of the references after it."""
    positives = pairs[pairs[:, 0] == anchor, 1]
    return torch.stack([torch.zeros_like(positives), (positives - anchor - 1) % total], dim=1)


def _turned_back(chosen: IndexTuple, anchor: int, total: int) -> IndexTuple:
    """Indices of one anchor and the references after it as those of the batch and all references."""
    anchors = (0,) if len(chosen) == 3 else (0, 2)
    return tuple(
        torch.full_like(index, anchor, dtype=torch.int64) if place in anchors else (index.long() + anchor + 1) % total
        for place, index in enumerate(chosen)
    )


def check_loss(loss: nn.Module, name: str, embedding_size: int) -> None:
    """Refuse a loss that cannot be used with a memory, by trying it on made-up rows.

    :raises ParameterError: it takes no references, does not look at them, or compares an anchor with its own row
        though no tuple names it.
    """
    missing = [item for item in _NEEDED if item not in accepted(loss)]
    if missing:
        raise _refusal(name, f"it takes no {' and no '.join(missing)}")
    batch, past = _made_up(4, embedding_size), _made_up(8, embedding_size)
    copies = batch.detach().clone().requires_grad_()
    labels, ref_labels = torch.zeros(4, dtype=torch.int64), torch.tensor([0] * 8 + [1] * 4)
    anchors, rows = torch.arange(4).repeat_interleave(4), torch.arange(4).repeat(4)
    mined = (anchors, rows + 4, anchors, rows + 8)  # all that is remembered, none of the batch
    try:
        with seeded_globals("memory", "check"):
            value = copy.deepcopy(loss)(
                batch, labels, indices_tuple=mined, ref_emb=torch.cat([copies, past]), ref_labels=ref_labels
            )
        to_copies, to_past = torch.autograd.grad(value.sum(), (copies, past), allow_unused=True)
    except Exception as error:  # others' losses may raise anything when they meet what they do not support
        raise _refusal(name, str(error).strip() or type(error).__name__) from error
    if to_past is None:
        raise _refusal(name, "it does not look at references")
    if bool(to_copies.count_nonzero()):
        raise _refusal(name, "it compares every row with all references, itself among them, whatever the tuple says")


def _made_up(rows: int, embedding_size: int) -> Tensor:
    generator = torch_generator("memory", "check", rows)
    return torch.randn(rows, embedding_size, generator=generator).requires_grad_()


def _refusal(name: str, reason: str) -> ParameterError:
    return ParameterError(
        f"the loss {name!r} cannot be used with a memory: {reason}",
        key=("memory",),
        hints=["Leave memory out, or use a loss on pairs or triplets, such as triplet, contrastive or infonce."],
    )
