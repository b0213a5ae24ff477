"""What a command line calls MODEL: a model's file, a folder that holds one, or the name of a published one."""

from __future__ import annotations

from pathlib import Path

from mlfp.errors import UsageError, nearest
from mlfp.plugins import registry
from mlfp.types.spec import Spec

#: What training, and a store, call the file of weights.
FILE = "model.safetensors"


def model_file(model: Path | str) -> Path:
    """The file of a model.

    :param model: the file, a folder that ``mlfp train`` or ``mlfp embed`` wrote, or a name that a plugin registered.
    :raises UsageError: there is none.
    """
    path = Path(model).expanduser()
    if path.is_file():
        return path
    if path.is_dir():
        if (path / FILE).is_file():
            return path / FILE
        raise UsageError(
            f"no model in {str(path)!r}",
            hints=["Train one: mlfp train CONFIG", "Those of a comparison lie in its runs/ID."],
        )
    known = registry().components("model")
    if any(str(model) in (item.id, *item.names) for item in known):
        found = Path(registry().build("model", Spec(str(model))))
        return found / FILE if found.is_dir() else found
    names = [name for item in known for name in (item.id, *item.names)]
    raise UsageError(
        f"there is no model {str(model)!r}",
        hints=[
            *nearest(str(model), names),
            f"Published models installed: {', '.join(item.name for item in known) or 'none'}",
            "Give a file, or a folder with model.safetensors: what mlfp train CONFIG writes.",
        ],
    )
