"""Train the pose networks of brain-v1; a training that was killed goes on where it was.

    python benchmarks/pretrain/pose.py benchmarks/pretrain/pose.yaml FOLDER scans.csv [scans.csv ...]

Heads are moved by known amounts, made to look like others, and the networks say by how much they were moved. FOLDER
gets ``pose.safetensors`` (both networks, for upright.py) and ``curve.jsonl``.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from heads import brain_distance, prepared
from mlfp_plugins.encoders.posed_3d import POSE_SHAPE, POSE_SPACINGS, PoseNet
from mlfp_plugins.encoders.poses import grid_mm, matrix_of, mean_of, read
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from mlfp.preparing.pose import find_pose
from mlfp.preparing.template import template
from mlfp.seeds import torch_generator
from mlfp.training.augment import AugmentationChain
from mlfp.types.spec import Spec
from mlfp.types.volume import Volume

#: mm about the middle of the brain within which heads are warped, and places at which two poses are compared.
REACH = torch.tensor([110.0, 130.0, 120.0])
CORNERS = grid_mm((3, 3, 3), 55.0).reshape(-1, 3)
#: Views over which a network's answers are averaged, and steps between checkpoints.
VIEWS, SAVE_EVERY = 8, 50


@dataclass(frozen=True)
class Heads:
    """Images ``(N, 1, I, J, K)``, the size of their voxels, and (N, 4, 4) from mm of the brain to mm of the image."""

    images: Tensor
    spacing: float
    poses: Tensor


def main() -> None:
    """Run the stages that are not done yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("manifests", nargs="+")
    parser.add_argument("--share", type=float, default=1.0, help="of each stage's steps: for a shorter training")
    given = parser.parse_args()
    recipe = yaml.safe_load(given.recipe.read_text(encoding="utf-8"))
    for stage in recipe["stages"]:
        stage["steps"] = round(stage["steps"] * given.share)
    given.folder.mkdir(parents=True, exist_ok=True)
    images, affines = prepared(given.manifests)
    images = images - images.amin((2, 3, 4), keepdim=True)
    nets: dict[str, PoseNet] = {}
    for stage in recipe["stages"]:
        poses = _poses(stage["poses"], images, affines, nets, given.folder)
        nets[stage["name"]] = _train(recipe, stage, Heads(images, 3.0, poses), given.folder)
    looks = {stage["look"]: nets[stage["name"]] for stage in recipe["stages"]}
    weights = {f"{look}.{name}": tensor for look, net in looks.items() for name, tensor in net.state_dict().items()}
    save_file({name: tensor.contiguous() for name, tensor in weights.items()}, given.folder / "pose.safetensors")


def _poses(source: str, images: Tensor, affines: list[np.ndarray], nets: dict[str, PoseNet], folder: Path) -> Tensor:
    """(N, 4, 4) of all heads: by mutual information with MNI152, or by a network trained before; kept in a file."""
    kept = folder / f"poses-{source}.safetensors"
    if not kept.exists():
        found = _by_information(images, affines) if source == "mni152" else _by_network(images, nets[source])
        save_file({"poses": found.contiguous()}, kept)
    return load_file(kept)["poses"]


def _by_information(images: Tensor, affines: list[np.ndarray]) -> Tensor:
    known = template()
    found = []
    for image, affine in zip(images, affines, strict=True):
        pose = find_pose(Volume(image.numpy(), affine), known)
        middle = affine[:3, :3] @ ((np.array(image.shape[1:]) - 1) / 2) + affine[:3, 3]
        to_middle, from_centre = np.eye(4), np.eye(4)
        to_middle[:3, 3], from_centre[:3, 3] = -middle, known.centre
        found.append(torch.tensor(to_middle @ pose @ from_centre, dtype=torch.float32))
    return torch.stack(found)


@torch.inference_mode()
def _by_network(images: Tensor, net: PoseNet) -> Tensor:
    """The mean of what the network says of several views of every head, each looked at three times."""
    net.eval()
    grid = grid_mm(POSE_SHAPE, POSE_SPACINGS[0])
    answers = []
    for view in range(VIEWS):
        numbers = torch.rand(len(images), 7, generator=torch_generator("views", view)) * 2 - 1
        pose = matrix_of(numbers[:, :3] * 0.15, numbers[:, 3] * 0.08, numbers[:, 4:] * 10)
        for _ in range(3):
            pose = torch.cat(
                [p @ net(read(x, 3.0, p, grid)) for x, p in zip(images.split(16), pose.split(16), strict=True)]
            )
        answers.append(pose)
    return mean_of(answers)


def _train(recipe: dict[str, Any], stage: dict[str, Any], heads: Heads, folder: Path) -> PoseNet:
    torch.manual_seed(recipe["seed"])
    net = PoseNet()
    optimizer = torch.optim.AdamW(net.parameters(), **recipe["optimizer"])
    path, steps = folder / f"{stage['name']}.pt", stage["steps"]
    state = torch.load(path, weights_only=True) if path.exists() else {"step": 0, "seconds": 0.0}
    if state["step"]:
        net.load_state_dict(state["net"])
        optimizer.load_state_dict(state["optimizer"])
    spacing = POSE_SPACINGS[stage["look"]]
    chain = AugmentationChain.build(
        [Spec.parse(step) for step in recipe["augmentations"]], spatial_dims=3, in_channels=1, spacing=(spacing,) * 3
    )
    errors: list[float] = []
    begun = time.perf_counter() - state["seconds"]
    for step in range(state["step"], steps):
        images, truth = _batch(recipe, stage, heads, step)
        keys = [(recipe["seed"], stage["name"], step, row) for row in range(len(images))]
        images = chain(images, keys=keys, subject_keys=keys)
        rate = min(1.0, (step + 1) / recipe["warmup"]) * 0.5 * (1 + np.cos(np.pi * step / steps))
        optimizer.param_groups[0]["lr"] = recipe["optimizer"]["lr"] * rate
        with torch.autocast("cpu", torch.bfloat16):
            found = net(images)
        apart = _apart(found.float(), truth)
        optimizer.zero_grad()
        (apart / 10).mean().backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        errors.append(float(apart.detach().mean()))
        if (step + 1) % SAVE_EVERY == 0 or step + 1 == steps:
            state = {"step": step + 1, "seconds": time.perf_counter() - begun, "net": net.state_dict()}
            torch.save({**state, "optimizer": optimizer.state_dict()}, path)
            told = {"stage": stage["name"], "step": step + 1, "mm": np.mean(errors), "seconds": state["seconds"]}
            errors = []
            with (folder / "curve.jsonl").open("a", encoding="utf-8") as file:
                file.write(
                    json.dumps({name: round(x, 2) if isinstance(x, float) else x for name, x in told.items()}) + "\n"
                )
            print(told, flush=True)
    return net.eval()


def _apart(found: Tensor, truth: Tensor) -> Tensor:
    """(B,) mean distance in mm between where two poses put the corners of the brain."""
    places = [CORNERS @ pose[:, :3, :3].mT + pose[:, None, :3, 3] for pose in (found, truth)]
    return (places[0] - places[1]).norm(dim=-1).mean(1)


def _batch(recipe: dict[str, Any], stage: dict[str, Any], heads: Heads, step: int) -> tuple[Tensor, Tensor]:
    """Heads that were moved and made others, ``(B, 1, *POSE_SHAPE)``, and (B, 4, 4) how they lie."""
    generator = torch_generator(recipe["seed"], stage["name"], step)
    count, views = recipe["batch"], recipe["views"]
    rows = torch.randint(len(heads.images), (count,), generator=generator)
    truth = _moves(recipe["moves"], stage["look"], count, generator)
    grid = grid_mm(POSE_SHAPE, POSE_SPACINGS[stage["look"]]).reshape(1, -1, 3).expand(count, -1, -1)
    back = torch.linalg.inv(truth)
    places = torch.baddbmm(back[:, None, :3, 3], grid, back[:, :3, :3].mT)
    places = _other_person(places, views, generator)
    kept = torch.where(
        torch.rand(count, generator=generator) < views["strip"]["probability"],
        _between(*views["strip"]["beyond"], torch.rand(count, generator=generator)),
        torch.full((count,), float("inf")),
    )
    poses = heads.poses[rows]
    there = torch.baddbmm(poses[:, None, :3, 3], places, poses[:, :3, :3].mT)
    half = (torch.tensor(heads.images.shape[2:]) - 1) / 2 * heads.spacing
    wanted = (there / half).flip(-1).view(count, *POSE_SHAPE, 3)
    seen = functional.grid_sample(heads.images[rows], wanted, align_corners=True)
    away = brain_distance(places.view(count, *POSE_SHAPE, 3))[:, None]
    return torch.where(away < kept.view(-1, 1, 1, 1, 1), seen, torch.zeros(())), truth


def _moves(moves: dict[str, Any], look: int, count: int, generator: torch.Generator) -> Tensor:
    """(B, 4, 4) random poses: for the first look half of them wide, for the closer one none."""
    wide = (torch.rand(count, generator=generator) < 0.5) & (look == 0)
    numbers = torch.rand(count, 7, generator=generator) * 2 - 1
    both = []
    for name in ("first", "closer"):
        move = moves[name]
        reach = torch.tensor([*[np.deg2rad(move["turn"])] * 3, move["size"], *move["shift"]], dtype=torch.float32)
        both.append(numbers * reach + torch.tensor([0, 0, 0, 0, 0, 0, move["above"]], dtype=torch.float32))
    drawn = torch.where(wide[:, None], *both)
    return matrix_of(drawn[:, :3], drawn[:, 3], drawn[:, 4:])


def _other_person(places: Tensor, views: dict[str, Any], generator: torch.Generator) -> Tensor:
    """``(B, N, 3)`` places of other persons' brains to those of the heads that there are."""
    count = len(places)
    aspect = ((torch.rand(count, 1, 3, generator=generator) * 2 - 1) * views["aspect"]).exp()
    mirrored = torch.rand(count, 1, 1, generator=generator) < views["mirror"]
    places = places * aspect / aspect.prod(-1, keepdim=True) ** (1 / 3)
    places = torch.where(mirrored, places * torch.tensor([-1.0, 1.0, 1.0]), places)
    controls = [max(4, int(2 * float(reach) / views["warp"]["smoothness"]) + 3) for reach in REACH]
    field = torch.randn(count, 3, *controls, generator=generator) * views["warp"]["strength"]
    field = field - field.mean((2, 3, 4), keepdim=True)  # a common shift would be another pose
    field = functional.interpolate(field, scale_factor=4, mode="trilinear", align_corners=True)
    wanted = (places / REACH).flip(-1).view(count, 1, 1, -1, 3)
    moved = functional.grid_sample(field, wanted, padding_mode="border", align_corners=True)
    return places + moved.view(count, 3, -1).mT


def _between(low: float, high: float, shares: Tensor) -> Tensor:
    return low + (high - low) * shares


if __name__ == "__main__":
    main()
