"""What can be said of a training's components before any of them is made. No torch but what components import."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from mlfp.errors import ParameterError
from mlfp.registry import Registry
from mlfp.types.spec import Spec

if TYPE_CHECKING:
    from mlfp.training.settings import TrainingSettings

#: What the engine offers to a component of each kind; its signature takes what it needs.
OFFERED = {
    "encoder": ("in_channels", "spatial_dims", "embedding_dim"),
    "augmentation": ("spatial_dims", "in_channels", "spacing"),
    "loss": ("num_classes", "embedding_size", "distance"),
    "miner": ("distance",),
}


def check_components(settings: TrainingSettings, registry: Registry, *, in_channels: int, spatial_dims: int) -> None:
    """Check encoder, augmentations, losses, miners, optimizer and frozen layers of a training.

    :raises ParameterError: one is unknown, has a wrong parameter, or does not work in this many dimensions; ``key`` is
        its place below the training.
    """
    keywords = _check("encoder", settings.encoder, registry, spatial_dims, ("encoder",))
    _check_length(keywords.get("embedding_dim"))
    for place, spec in enumerate(settings.augmentations):
        _check("augmentation", spec, registry, spatial_dims, ("augmentations", place))
        _make_augmentation(spec, registry, in_channels, spatial_dims, place)
    for place, term in enumerate(settings.objective):
        _check("loss", term.loss, registry, spatial_dims, ("objective", place, "loss"))
        if term.miner is not None:
            _check("miner", term.miner, registry, spatial_dims, ("objective", place, "miner"))
    _make_objective(settings)
    from mlfp.training.optimizers import optimizer_class

    optimizer_class(settings.train.optimizer.use)
    if settings.train.freeze is not None:
        from mlfp.training.freezing import check_names

        check_names(
            settings.train.freeze, settings.encoder, registry, in_channels=in_channels, spatial_dims=spatial_dims
        )


def _make_augmentation(spec: Spec, registry: Registry, in_channels: int, spatial_dims: int, place: int) -> None:
    """It costs little to make as well, and another library's says only then what is wrong with its parameters."""
    offered = {"in_channels": in_channels, "spatial_dims": spatial_dims, "spacing": (1.0,) * spatial_dims}
    try:
        registry.build("augmentation", spec, **offered)
    except ParameterError as error:
        raise error.under("augmentations", place) from error


def _make_objective(settings: TrainingSettings) -> None:
    """Losses and miners cost little to make, and some say what is wrong with their parameters only then."""
    from mlfp.training.objective import Objective

    try:
        Objective(settings.objective, num_classes=8, embedding_size=8, distance=settings.distance)
    except ParameterError as error:
        raise error.under("objective") from error


def _check_length(given: object) -> None:
    """Of a fingerprint; None where the encoder's parameters say nothing."""
    if isinstance(given, int) and given < 1:
        raise ParameterError(
            f"a fingerprint has 1 number or more, got embedding_dim: {given}", key=("encoder", "embedding_dim")
        )


def _check(kind: str, spec: Spec, registry: Registry, spatial_dims: int, key: tuple[str | int, ...]) -> dict[str, Any]:
    try:
        component = registry.find(kind, spec.use)
        if component.dims and spatial_dims not in component.dims:
            raise ParameterError(
                f"{kind} {component.id} works in {_dims(component.dims)}, and the scans are {spatial_dims}D",
                key=("use",),
                hints=[_fitting(kind, registry, spatial_dims), *_ways_out(spatial_dims, component.dims)],
            )
        return registry.check(kind, spec, OFFERED[kind])
    except ParameterError as error:
        raise error.under(*key) from error


def _fitting(kind: str, registry: Registry, spatial_dims: int) -> str:
    items = [item for item in registry.components(kind) if not item.dims or spatial_dims in item.dims]
    return f"For {spatial_dims}D: {', '.join(item.name for item in items) or 'none is installed'}"


def _ways_out(spatial_dims: int, dims: Collection[int]) -> list[str]:
    if spatial_dims == 3 and 2 in dims:
        return ["Or cut pictures out of the volumes: preprocess: [..., {use: slice, axis: axial, position: center}]"]
    return []


def _dims(dims: Collection[int]) -> str:
    return " and ".join(f"{number}D" for number in sorted(dims))
