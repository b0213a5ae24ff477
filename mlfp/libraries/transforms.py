"""Other libraries' transforms of one sample as augmentations; a chain lends each its own stream of random numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mlfp import parameters
from mlfp.errors import UnknownComponentError, nearest


def load_transform(library: str, title: str, name: str, known: Mapping[str, type[Any]]) -> Callable[..., Any]:
    """What makes the transform of this name.

    Only what the user wrote goes to it: where the engine has a word for something, the library may mean another thing
    by it (``spacing`` is of control points in MONAI's ``Rand2DElastic``, of voxels here).

    :param library: its prefix.
    :param title: what people call it.
    :param known: its transforms.
    :raises UnknownComponentError: it has no such transform.
    """
    if name not in known:
        raise UnknownComponentError(
            f"{title} has no transform {name!r} of one sample",
            key=("use",),
            hints=[*nearest(name, known), f"It has: {', '.join(known)}"],
        )

    def transform(**given: Any) -> Any:
        """Make it.

        :param given: passed on to the transform, once checked against its signature.
        """
        checked = parameters.check(known[name], given, component=f"augmentation {library}:{name}", context={})
        return known[name](**checked)

    transform.__name__ = name
    return transform
