"""Slices through a frozen encoder, which vote for the scan that holds the nearest slice."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from mlfp.data.masks import foreground
from mlfp.errors import MlfpError, ParameterError
from mlfp.plugins import registry
from mlfp.seeds import numpy_generator, seeded_globals
from mlfp.types.scan_table import ScanTable
from mlfp.types.spec import Spec

#: Where the slices of a volume (B, C, I, J, K) stand.
_AXES = {"sagittal": 2, "coronal": 3, "axial": 4}
#: A slice with less than this share of the head that the fullest slice of its scan has does not vote.
LEAST = 0.2
#: Slices encoded at a time.
BLOCK = 64


class SliceVoting:
    """Each slice of the query votes for the scan with the slice most like it; scans compare by their share of votes.

    After Truong et al. 2024 (arXiv 2312.07273): an encoder trained on natural images, such as DINO, is left as it is,
    and the nearest slices by cosine are counted by volume. There, all scans of an index are rivals for a vote; here a
    score must not depend on which other scans are asked, so the rivals are training scans: a slice votes for a scan if
    the scan has a slice nearer to it than any training scan has, as it would in an index of them and the scan. Scans
    with the same votes rank by the mean similarity of the nearest slices, which never counts as much as a vote.

    What the encoder was trained on decides: with ``{use: ..., pretrained: true}`` weights are downloaded, with a path a
    local file is read; without either they are random, which is a yardstick of its own and not the paper's method.

    :param encoder: of pictures: ``{use: "timm:vit_small_patch14_dinov2", pretrained: true, dynamic_img_size: true}``.
        It sees slices with the channels of a scan; a picture's channels are taken for slices.
    :param axis: along which a volume's slices lie.
    :param step: voxels from one slice to the next.
    :param size: pixels along both sides that slices are stretched to: 224 is what most encoders were trained with, and
        takes three times as long as 128. None leaves them; below 64, ResNets see little.
    :param rivals: training scans at most, drawn at random.
    :param embedding_dim: of the encoder; with 0, timm's give their pooled features, before any head.
    :param seed: of weights that are random, and of the rivals.
    """

    def __init__(
        self,
        encoder: Spec = Spec("resnet18-2d"),  # noqa: B008 (it is never changed)
        axis: Literal["axial", "coronal", "sagittal"] = "axial",
        step: int = 1,
        size: int | None = 128,
        rivals: int = 50,
        embedding_dim: int = 0,
        seed: int = 0,
    ) -> None:
        self.encoder = encoder
        self.axis = axis
        self.step = step
        self.size = size
        self.rivals = rivals
        self.embedding_dim = embedding_dim
        self.seed = seed
        self._network: nn.Module | None = None
        self._rivals: Tensor | None = None

    def fit(self, images: Tensor, table: ScanTable) -> None:
        """Make the encoder, and take rivals from ``(N, C, *spatial)`` training scans.

        :raises ParameterError: a parameter is below 1, or the encoder cannot be made.
        """
        for name in ("step", "rivals"):
            if getattr(self, name) < 1:
                raise ParameterError(f"{name} should be 1 or more, got {getattr(self, name)}", key=(name,))
        self._network = self._made(images.shape[1] if images.ndim == 5 else 1)
        order = numpy_generator(self.seed, "slice-voting", "rivals").permutation(len(images))
        chosen = torch.from_numpy(np.sort(order[: self.rivals]))
        slices = torch.cat([self._encoded(block) for block in torch.split(images[chosen], BLOCK)])
        self._rivals = slices[slices.any(dim=2)]

    def describe(self, images: Tensor) -> Tensor:
        """``(B, C, *spatial)`` to (B, S, D + 1): a vector of unit length a slice, and its likeness to its best rival.

        Slices that do not vote hold noughts.

        :raises MlfpError: no training scans were seen.
        """
        if self._rivals is None:
            raise MlfpError("slice-voting describes scans only after fit")
        slices = self._encoded(images)
        best = torch.full((*slices.shape[:2], 1), -1.0)
        for row, own in enumerate(slices):
            if len(self._rivals):
                best[row, :, 0] = (own @ self._rivals.T).amax(dim=1)
        return torch.cat([slices, best], dim=2)

    def score(self, queries: Tensor, gallery: Tensor) -> Tensor:
        """(Q, S, D + 1) and (G, S, D + 1) to (Q, G): shares of votes, plus less than a vote for the likeness."""
        slices = gallery[..., :-1]
        nowhere = ~slices.any(dim=2)
        rows = []
        for query in queries:
            votes = query[:, :-1].any(dim=1)
            alike = torch.einsum("sd,gtd->gst", query[votes, :-1], slices)
            nearest = alike.masked_fill(nowhere[:, None], -1).amax(dim=2)
            count = max(int(votes.sum()), 1)
            share = (nearest > query[votes, -1]).sum(dim=1) / count
            rows.append(share + (1 + nearest.sum(dim=1) / count) / (2 * (count + 1)))
        return torch.stack(rows)

    def _made(self, channels: int) -> nn.Module:
        try:
            with seeded_globals(self.seed, "slice-voting"):
                network: nn.Module = registry().build(
                    "encoder", self.encoder, in_channels=channels, spatial_dims=2, embedding_dim=self.embedding_dim
                )
        except ParameterError as error:
            raise error.under("encoder") from error
        return network.eval().requires_grad_(False)

    @torch.no_grad()
    def _encoded(self, images: Tensor) -> Tensor:
        """``(B, C, *spatial)`` to (B, S, D) of unit length, noughts for slices that do not vote.

        :raises ParameterError: the encoder gives no features.
        """
        assert self._network is not None, "made before anything is encoded"
        pictures = images[:, :, None] if images.ndim == 4 else images.movedim(_AXES[self.axis], 1)
        pictures = pictures[:, :: self.step]
        votes = torch.from_numpy(np.stack([_full(scan) for scan in pictures.numpy()]))
        chosen = pictures[votes]
        if self.size is not None:
            shape = (self.size, self.size)
            chosen = nn.functional.interpolate(chosen, shape, mode="bilinear", antialias=True, align_corners=False)
        vectors = torch.cat([self._network(block) for block in torch.split(chosen, BLOCK)])
        if vectors.shape[1] == 0:
            raise ParameterError(
                f"encoder {self.encoder.use} gives no features without a head",
                key=("embedding_dim",),
                hints=["Give slice-voting an embedding_dim, such as 128."],
            )
        found = torch.zeros(*votes.shape, vectors.shape[1])
        found[votes] = nn.functional.normalize(vectors)
        return found


def _full(slices: np.ndarray) -> np.ndarray:
    """``(S, C, *plane)`` of one scan to (S,) bool: which show enough of head or body; all where nothing is found."""
    areas = np.array([foreground(picture).sum() for picture in slices])
    found: np.ndarray = areas >= max(LEAST * areas.max(), 1)
    return found if found.any() else np.ones(len(slices), dtype=bool)
