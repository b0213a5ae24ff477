"""Pose networks and eye together: brain-v1, in half precision.

python benchmarks/pretrain/assemble.py pose.safetensors EYE/model.safetensors brain_v1.safetensors
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import torch
from heads import PREPROCESS
from safetensors.torch import load_file

from mlfp.data.chain import Chain
from mlfp.data.locate import locate
from mlfp.data.prepare import prepare
from mlfp.fingerprints.locate import model_file
from mlfp.fingerprints.model import FingerprintModel, describe, untrained
from mlfp.plugins import registry
from mlfp.types.spec import Spec

SPACING, SHAPE = 3.0, (64, 80, 64)


def main() -> None:
    """Write the model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pose", type=Path)
    parser.add_argument("eye", type=Path)
    parser.add_argument("upright")
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    eye = FingerprintModel.load(model_file(given.eye))
    _centre(eye, given.upright)
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


def _centre(eye: FingerprintModel, upright: str) -> None:
    """Take the mean of normalised fingerprints, at their mean length, from the last layer's bias."""
    scans = prepare(registry().build("dataset", locate(upright)), Chain([]))
    with torch.inference_mode():
        found = torch.cat([eye.embed(scans.images([place])) for place in range(len(scans))])
        lengths = found.norm(dim=1, keepdim=True)
        middle = (found / lengths).mean(0) * lengths.mean()
        print(f"of a fingerprint's length {float(middle.norm() / lengths.mean()):.2f} is all heads'")
        eye.encoder.get_parameter("head.bias").sub_(middle)


if __name__ == "__main__":
    main()
