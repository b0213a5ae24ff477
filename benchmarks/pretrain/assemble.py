"""Pose networks and eye together: brain-v1, in half precision.

    python benchmarks/pretrain/assemble.py pose.safetensors EYE brain-v1.yaml upright/scans.csv brain_v1.safetensors

The eye's last layer is whitened on the way, by views of the upright scans that the recipe brain-v1.yaml makes.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import torch
import yaml
from heads import PREPROCESS
from safetensors.torch import load_file

from mlfp.data.chain import Chain
from mlfp.data.locate import locate
from mlfp.data.prepare import prepare
from mlfp.fingerprints.locate import model_file
from mlfp.fingerprints.model import FingerprintModel, describe, untrained
from mlfp.plugins import registry
from mlfp.training.augment import AugmentationChain
from mlfp.training.batches import Batches
from mlfp.training.settings import TrainingSettings
from mlfp.types.spec import Spec

SPACING, SHAPE = 3.0, (64, 80, 64)
#: Batches of views that the whitening is learnt from, their seed, and the share of the mean variance added to every
#: direction's: chosen on TCGA-LGG among 0.003, 0.01, 0.03 and 0.1.
BATCHES, SEED, SHRINKAGE = 40, 1, 0.03


def main() -> None:
    """Write the model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pose", type=Path)
    parser.add_argument("eye", type=Path)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("upright")
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    eye = FingerprintModel.load(model_file(given.eye))
    _whiten(eye, given.recipe, given.upright)
    card = describe(
        Spec("posed-3d", {"spacing": SPACING, "embedding_dim": eye.card.embedding_dim}),
        shape=(1, *SHAPE),
        embedding_dim=eye.card.embedding_dim,
        spacing=(SPACING,) * 3,
        preprocess=PREPROCESS,
    )
    model = untrained(card, 0)
    weights = {f"encoder.looks.{name}": tensor for name, tensor in load_file(given.pose).items()}
    weights |= {name.replace("encoder.", "encoder.eye.", 1): tensor for name, tensor in eye.state_dict().items()}
    model.load_state_dict(weights)
    model.card = replace(model.card, training=eye.card.training)
    model.half().save(given.out)
    print(f"{given.out}: {given.out.stat().st_size / 1e6:.2f} MB")


def _whiten(eye: FingerprintModel, recipe: Path, upright: str) -> None:
    """Fold into the last layer what makes views of one person alike in all directions.

    Within-class covariance normalisation (Hatch, Kajarekar and Stolcke 2006, Interspeech), over views that the recipe
    makes: a direction in which the views of one person differ counts less, whoever the person is.
    """
    config = yaml.safe_load(recipe.read_text(encoding="utf-8"))
    settings = TrainingSettings.parse({**config["base"], **next(iter(config["runs"].values()))})
    scans = prepare(registry().build("dataset", locate(upright)), Chain([]))
    chain = AugmentationChain.build(settings.augmentations, spatial_dims=3, in_channels=1, spacing=scans.spacing)
    batches = Batches(
        scans, settings.batch, chain, seed=SEED, device=torch.device("cpu"), memory_format=torch.contiguous_format
    )
    views, within = [], []
    with torch.inference_mode():
        for step in range(BATCHES):
            batch = batches.batch(step, 0)
            found = eye.embed(batch.images)
            own = torch.stack([found[batch.labels == label].mean(0) for label in batch.labels])
            views.append(found)
            within.append(found - own)
        apart = torch.cat(within)
        covariance = apart.T @ apart / len(apart)
        covariance += SHRINKAGE * covariance.diagonal().mean() * torch.eye(len(covariance))
        sizes, axes = torch.linalg.eigh(covariance)
        whitening = axes / sizes.sqrt() @ axes.T  # the symmetric one
        weight, bias = eye.encoder.get_parameter("head.weight"), eye.encoder.get_parameter("head.bias")
        bias.copy_(whitening @ (bias - torch.cat(views).mean(0)))
        weight.copy_(whitening @ weight)


if __name__ == "__main__":
    main()
