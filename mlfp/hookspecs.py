"""The whole plugin contract, on one page.

A plugin is an installed distribution with an entry point in the group ``mlfp``. The entry point's name is the plugin's
name space, and it points at a module (or object) whose functions carry :data:`hookimpl` and bear the names below.
Each is called once, with a ``register`` of the plugin's own::

    from mlfp import hookimpl

    @hookimpl
    def register_losses(register):
        register("soft-margin", "mlfp_example.soft_margin:SoftMarginLoss", summary="Triplet loss with a soft margin.")

``target`` is ``"module:attribute"`` and is imported when the component is first used, so registering must not import
torch. What the target must look like is in :mod:`mlfp.interfaces`, one file an extension point.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Protocol

import pluggy

hookspec = pluggy.HookspecMarker("mlfp")
hookimpl = pluggy.HookimplMarker("mlfp")
#: The source of what no work proposed: the distribution's own.
OWN = "own"


class Register(Protocol):
    """Registers one component of the plugin that is being loaded."""

    def __call__(
        self,
        name: str,
        target: str,
        *,
        summary: str,
        paper: str | None = None,
        dims: Collection[int] = (),
        domains: Collection[str] = (),
        extras: Collection[str] = (),
        aliases: Collection[str] = (),
        version: int = 1,
    ) -> None:
        """Offer a component under ``plugin/name``.

        :param name: lower-case words joined by hyphens.
        :param target: ``"module:attribute"``; called with the component's parameters as keywords.
        :param summary: one sentence for lists.
        :param paper: its source: who proposed it, with author, year and where; an equation; or :data:`OWN`.
        :param dims: 2 and/or 3, the spatial dimensions it works in; empty means any.
        :param domains: what it was made for, such as ``brain-mri`` or ``chest-xray``; empty means any.
        :param extras: extras of the distribution that it needs installed.
        :param aliases: further names.
        :param version: raised whenever its numbers change, so that finished runs are not taken for current ones.
        """
        ...


class Hooks:
    """What a plugin may implement: any of these, each optional."""

    @hookspec
    def register_encoders(self, register: Register) -> Any:
        """Image batch to vectors. See :mod:`mlfp.interfaces.encoder`."""

    @hookspec
    def register_miners(self, register: Register) -> Any:
        """Embeddings and labels to index tuples. See :mod:`mlfp.interfaces.miner`."""

    @hookspec
    def register_losses(self, register: Register) -> Any:
        """Embeddings to a scalar. See :mod:`mlfp.interfaces.loss`."""

    @hookspec
    def register_augmentations(self, register: Register) -> Any:
        """Image batch to image batch. See :mod:`mlfp.interfaces.augmentation`."""

    @hookspec
    def register_evaluators(self, register: Register) -> Any:
        """A trial to estimates. See :mod:`mlfp.interfaces.evaluator`."""

    @hookspec
    def register_datasets(self, register: Register) -> Any:
        """Where scans come from. See :mod:`mlfp.interfaces.dataset`."""

    @hookspec
    def register_preprocessors(self, register: Register) -> Any:
        """Volume to volume, cached. See :mod:`mlfp.interfaces.preprocessor`."""

    @hookspec
    def register_scorers(self, register: Register) -> Any:
        """Similarity without an embedding. See :mod:`mlfp.interfaces.scorer`."""

    @hookspec
    def register_indexes(self, register: Register) -> Any:
        """Nearest neighbours. See :mod:`mlfp.interfaces.index`."""

    @hookspec
    def register_models(self, register: Register) -> Any:
        """Published fingerprints: a target that gives the path of a model file or folder."""

    @hookspec
    def register_observers(self, register: Register) -> Any:
        """Told how a run goes. See :mod:`mlfp.interfaces.observer`."""


#: Extension points in the order of the data's way; the hook of each is ``register_<plural>``.
KINDS = {
    "dataset": "register_datasets",
    "preprocessor": "register_preprocessors",
    "augmentation": "register_augmentations",
    "encoder": "register_encoders",
    "miner": "register_miners",
    "loss": "register_losses",
    "scorer": "register_scorers",
    "index": "register_indexes",
    "evaluator": "register_evaluators",
    "model": "register_models",
    "observer": "register_observers",
}
