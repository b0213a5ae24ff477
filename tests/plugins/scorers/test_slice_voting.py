from __future__ import annotations

import pandas as pd
import pytest
import torch
from mlfp_plugins.scorers.slice_voting import SliceVoting
from torch import Tensor
from torch.nn.functional import normalize

from mlfp.errors import MlfpError, ParameterError
from mlfp.plugins import registry
from mlfp.types.scan_table import ScanTable
from mlfp.types.spec import Spec

TINY = Spec("compact-2d")


def heads(count: int, *, seed: int = 0, length: int = 8) -> Tensor:
    """``(B, 1, 32, 32, length)``: noise inside a ball, air at both ends of the last axis."""
    noise = torch.rand(count, 1, 32, 32, length, generator=torch.Generator().manual_seed(seed)) + 1
    axes = torch.meshgrid(*(torch.linspace(-1, 1, size) for size in (32, 32, length)), indexing="ij")
    return noise * (torch.stack(axes).square().sum(0) < 0.8)


def table(count: int) -> ScanTable:
    return ScanTable(pd.DataFrame({"scan": [str(row) for row in range(count)], "subject": "s"}))


def fitted(images: Tensor, **parameters) -> SliceVoting:
    scorer = SliceVoting(**{"encoder": TINY, "embedding_dim": 16, "size": None, **parameters})
    scorer.fit(images, table(len(images)))
    return scorer


def test_votes_equal_those_of_an_index_counted_by_loops() -> None:
    """For each slice the nearest of the rivals' slices and the scan's own: whose it is, has the vote."""
    scorer = fitted(heads(4, seed=1))
    queries, gallery = scorer.describe(heads(3, seed=2)), scorer.describe(heads(5, seed=3))
    rivals = scorer.describe(heads(4, seed=1))[..., :-1].flatten(0, 1)
    scores = scorer.score(queries, gallery)
    for q, query in enumerate(queries):
        voters = [own for own in query[:, :-1] if own.any()]
        for g, other in enumerate(gallery):
            slices = [vector for vector in other[:, :-1] if vector.any()]
            won, likeness = 0, 0.0
            for own in voters:
                alike = [float(own @ vector) for vector in slices]
                won += max(alike) > max(float(own @ vector) for vector in rivals if vector.any())
                likeness += max(alike) / len(voters)
            expected = won / len(voters) + (1 + likeness) / (2 * (len(voters) + 1))
            assert float(scores[q, g]) == pytest.approx(expected, abs=1e-5)


def test_a_scan_has_every_vote_of_its_own_copy() -> None:
    scorer = fitted(heads(4, seed=1))
    described = scorer.describe(heads(6))
    scores = scorer.score(described, described)
    assert scores.argmax(dim=1).tolist() == list(range(6))
    assert scores.diag().min() > 1


def test_a_vote_counts_more_than_any_likeness() -> None:
    """One of two slices is won against the rival, or none but with the other slice very near."""
    scorer = SliceVoting()
    one, two = torch.eye(4)[:2]
    query = torch.stack([torch.cat([one, torch.tensor([0.5])]), torch.cat([two, torch.tensor([0.999])])])
    winner = torch.stack([normalize(one + torch.eye(4)[2], dim=0), torch.eye(4)[3]])
    near = torch.stack([torch.eye(4)[3], normalize(two + 0.1 * torch.eye(4)[3], dim=0)])
    nothing = torch.zeros(2, 1)
    gallery = torch.stack([torch.cat([winner, nothing], dim=1), torch.cat([near, nothing], dim=1)])
    scores = scorer.score(query[None], gallery)[0]
    assert scores[0] > scores[1]


def test_slices_of_air_do_not_vote() -> None:
    scorer = fitted(heads(2))
    voting = scorer.describe(heads(1))[0, :, :-1].any(dim=1)
    assert voting.tolist() == [False, True, True, True, True, True, True, False]
    assert scorer.score(scorer.describe(torch.zeros(1, 1, 32, 32, 8)), scorer.describe(heads(2))).isfinite().all()


@pytest.mark.parametrize(
    ("axis", "shape"), [("sagittal", (4, 20, 24)), ("coronal", (20, 4, 24)), ("axial", (20, 24, 4))]
)
def test_slices_are_those_of_the_axis(axis, shape: tuple[int, ...]) -> None:
    images = torch.rand(2, 1, *shape, generator=torch.Generator().manual_seed(0)) + 1
    scorer = fitted(images, axis=axis, step=2)
    described = scorer.describe(images)
    assert described.shape == (2, 2, 17)
    place = ("sagittal", "coronal", "axial").index(axis)
    second = images[:1].select(place + 2, 2)
    assert scorer._network is not None
    with torch.no_grad():
        expected = normalize(scorer._network(second))[0]
    torch.testing.assert_close(described[0, 1, :-1], expected, atol=1e-5, rtol=1e-4)


def test_the_channels_of_pictures_are_slices() -> None:
    images = torch.rand(3, 5, 32, 32, generator=torch.Generator().manual_seed(0)) + 1
    scorer = fitted(images)
    assert scorer.describe(images).shape == (3, 5, 17)


def test_timm_gives_its_features_and_slices_are_stretched_where_asked() -> None:
    scorer = SliceVoting(size=64)
    scorer.fit(heads(2), table(2))
    assert scorer.describe(heads(1)).shape == (1, 8, 513)


def test_the_seed_makes_the_weights_and_rivals() -> None:
    images = heads(5)
    assert torch.equal(fitted(images, rivals=2).describe(images), fitted(images, rivals=2).describe(images))
    assert not torch.equal(fitted(images).describe(images), fitted(images, seed=1).describe(images))


def test_a_local_file_of_weights_is_read(tmp_path) -> None:
    context = {"in_channels": 1, "spatial_dims": 2, "embedding_dim": 0}
    network = registry().build("encoder", Spec("resnet18-2d"), **context)
    torch.save(network.state_dict(), tmp_path / "weights.pt")
    scorer = SliceVoting(encoder=Spec("resnet18-2d", {"pretrained": str(tmp_path / "weights.pt")}))
    scorer.fit(heads(2), table(2))
    assert scorer._network is not None
    for name, value in scorer._network.state_dict().items():
        assert torch.equal(value, network.state_dict()[name])


def test_what_cannot_be_is_refused() -> None:
    images = heads(2)
    with pytest.raises(ParameterError, match="step should be 1 or more"):
        fitted(images, step=0)
    with pytest.raises(ParameterError) as caught:
        fitted(images, encoder=Spec("resnet18-2d", {"deep": 3}))
    assert caught.value.key == ("encoder", "deep")
    with pytest.raises(MlfpError, match="only after fit"):
        SliceVoting().describe(images)


def test_a_wrong_encoder_is_found_before_anything_runs() -> None:
    with pytest.raises(ParameterError) as caught:
        registry().check("scorer", Spec("slice-voting", {"encoder": {"use": "resnet18-2", "head": False}}), {})
    assert caught.value.key == ("encoder", "use")
    checked = registry().check("scorer", Spec("slice-voting", {"encoder": {"use": "resnet18-2d"}}), ("spatial_dims",))
    assert checked["encoder"] == Spec("resnet18-2d")
