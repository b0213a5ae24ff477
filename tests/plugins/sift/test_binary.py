from __future__ import annotations

import stat
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mlfp_plugins.scorers.sift_rank import SIFTRank
from mlfp_plugins.sift.binary import extract, read_keys
from mlfp_plugins.sift.descriptors import ranked

from mlfp.errors import MlfpError, ParameterError

#: What stands above the numbers in a file of featExtract 1.1.
HEAD = """\
# featExtract 1.1
# Extraction Voxel Resolution (ijk) : 12 14 10
# Extraction Voxel Size (mm)  (ijk) : 1.000000 1.000000 1.000000
# Feature Coordinate Space: voxels
Features: {count}
Scale-space location[x y z scale] orientation[o11 o12 o13 o21 o22 o23 o31 o32 o32] 2nd moment eigenvalues[e1 e2 e3] \
info flag[i1] descriptor[d1 .. d64]
"""
#: A stand-in for featExtract: two keypoints with ranks that the image's mean seeds, the second in a frame, too.
PROGRAM = """\
#!{python}
import sys
import nibabel, numpy
image = nibabel.load(sys.argv[1]).get_fdata()
ranks = numpy.random.default_rng(int(1000 * image.mean())).permutation(64)
row = lambda scale, flag, ranks: "\\t".join(map(str, [*map(float, image.shape), scale, *[0.5] * 12, flag, *ranks]))
rows = [row(2.0, 16, ranks), row(3.5, 0, ranks[::-1]), row(3.5, 32, numpy.roll(ranks, 5))]
open(sys.argv[2], "w").write({head!r}.format(count=len(rows)) + "\\n".join(rows) + "\\n")
"""


def program(folder: Path, text: str) -> str:
    path = folder / "featExtract"
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


@pytest.fixture
def feat_extract(tmp_path: Path) -> str:
    return program(tmp_path, PROGRAM.format(python=sys.executable, head=HEAD))


def test_it_gives_the_program_the_volume_and_reads_what_it_wrote(feat_extract: str) -> None:
    image = np.full((12, 14, 10), 0.25)
    ranks = np.random.default_rng(250).permutation(64)
    still = extract(feat_extract, image, oriented=False)
    np.testing.assert_allclose(still.descriptors, ranked(np.stack([ranks[::-1], ranks])))
    np.testing.assert_allclose(still.places, [[12, 14, 10]] * 2)
    np.testing.assert_allclose(still.scales, [3.5, 2.0])
    turned = extract(feat_extract, image, oriented=True)
    np.testing.assert_allclose(turned.descriptors, ranked(np.roll(ranks, 5)[None]))


def test_the_scorer_compares_what_the_program_found(feat_extract: str) -> None:
    images = torch.stack([torch.full((1, 12, 14, 10), value) for value in (0.25, 0.5)])
    scorer = SIFTRank(binary=feat_extract)
    described = scorer.describe(images)
    scores = scorer.score(described, described)
    torch.testing.assert_close(scores.diag(), torch.ones(2), atol=1e-3, rtol=0)
    assert scores[0, 1] < 0.3


def test_pictures_are_refused(feat_extract: str) -> None:
    with pytest.raises(ParameterError, match="volumes"):
        SIFTRank(binary=feat_extract).describe(torch.zeros(1, 1, 20, 20))


def test_a_program_that_fails_is_named_with_its_last_words(tmp_path: Path) -> None:
    failing = program(tmp_path, f"#!{sys.executable}\nraise SystemExit('could not read it')\n")
    with pytest.raises(MlfpError, match="ended with 1") as caught:
        extract(failing, np.zeros((8, 8, 8)), oriented=False)
    assert caught.value.hints == ("could not read it",)


def test_a_file_that_cannot_be_run_is_refused(tmp_path: Path) -> None:
    (tmp_path / "featExtract").write_text("no program")
    with pytest.raises(ParameterError, match="cannot be run"):
        extract(str(tmp_path / "featExtract"), np.zeros((8, 8, 8)), oriented=False)


def test_a_key_file_of_other_columns_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "odd.key"
    path.write_text(HEAD.format(count=1) + "1.0\t2.0\t3.0\n")
    with pytest.raises(MlfpError, match="81 numbers, found 3"):
        read_keys(path, oriented=False)


def test_a_key_file_without_keypoints_has_none(tmp_path: Path) -> None:
    path = tmp_path / "empty.key"
    path.write_text(HEAD.format(count=0))
    assert read_keys(path, oriented=False).descriptors.shape == (0, 64)
