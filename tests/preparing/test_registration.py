"""Registration is measured by what was done to a brain before; ANTs is of the extra `register`, which dev has."""

from __future__ import annotations

import numpy as np
import pytest

from mlfp.errors import ComponentImportError
from mlfp.preparing import registration
from mlfp.preparing.pose import find_pose, matrix_of, normalised_information
from mlfp.preparing.registration import place, register, rigid_part
from mlfp.preparing.template import MNI152, template
from mlfp.types.volume import Volume


def _moved(pose: np.ndarray, spacing: float = 4.0) -> tuple[Volume, np.ndarray]:
    """MNI152 lying elsewhere, and where: (4, 4) mm of the template to mm of it."""
    target = template(MNI152)
    truth = matrix_of(pose)
    grid = target.grid(spacing)
    return place(grid, np.linalg.inv(truth), grid), truth


def _error(found: np.ndarray, truth: np.ndarray) -> float:
    """Largest distance in mm over the corners of a box as large as the brain."""
    corners = np.array([[x, y, z, 1] for x in (-65, 65) for y in (-100, 65) for z in (-45, 75)], dtype=float)
    return float(np.linalg.norm(corners @ (found - truth).T, axis=1).max())


@pytest.fixture(scope="module")
def moved() -> tuple[Volume, np.ndarray]:
    return _moved(np.array([7.0, -11.0, 18.0, 14.0, -6.0, 8.0, np.log(0.88)]))


def test_a_pose_is_found_to_some_millimetres(moved):
    volume, truth = moved
    assert _error(np.eye(4), truth) > 30
    assert _error(find_pose(volume, template(MNI152)), truth) < 8


def test_ants_finds_the_rest_and_gives_the_same_bits_again(moved):
    pytest.importorskip("ants", reason="of the extra 'register', which 'dev' has too")
    volume, truth = moved
    found = register(volume, template(MNI152))
    assert found.kind == "affine"
    assert _error(found.matrix, truth) < 3
    assert np.array_equal(register(volume, template(MNI152)).matrix, found.matrix)
    rigid = register(volume, template(MNI152), kind="rigid").matrix
    assert np.allclose(rigid[:3, :3] @ rigid[:3, :3].T, np.eye(3))


def test_the_rigid_part_keeps_sizes_and_sends_the_centre_where_the_whole_does():
    matrix = matrix_of(np.array([3.0, 4.0, 5.0, 10.0, 20.0, 30.0, 0.2])) @ np.diag([1.1, 0.9, 1.0, 1.0])
    centre = np.array([1.0, -20.0, 10.0])
    found = rigid_part(matrix, centre)
    assert np.linalg.det(found[:3, :3]) == pytest.approx(1)
    assert np.allclose(found @ [*centre, 1], matrix @ [*centre, 1])


def test_values_that_change_linearly_are_placed_exactly():
    grid = np.stack(np.meshgrid(*(np.arange(12.0),) * 3, indexing="ij"))
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    volume = Volume((2 * grid * np.array([1.0, 2.0, 3.0])[:, None, None, None]).sum(0)[np.newaxis], affine, "s")
    matrix = np.eye(4)
    matrix[:3, 3] = (7.0, 5.0, 6.0)  # away from the border, where means are over what there is
    for spacing in (1.0, 4.0):
        target = Volume(np.zeros((1, 3, 3, 3)), np.diag([spacing] * 3 + [1.0]))
        found = place(volume, matrix, target).data[0]
        i, j, k = spacing * np.stack(np.meshgrid(*(np.arange(3.0),) * 3, indexing="ij"))
        assert np.allclose(found, (i + 7) + 2 * (j + 5) + 3 * (k + 6), atol=1e-3)


def test_information_is_2_of_the_same_and_1_of_what_tells_nothing():
    values = np.random.default_rng(0).integers(0, 8, 20000)
    assert normalised_information(values, values, 8) == pytest.approx(2)
    assert normalised_information(values, np.zeros_like(values), 8) == 1
    assert normalised_information(values, np.random.default_rng(1).integers(0, 8, 20000), 8) < 1.01


def test_without_antspyx_the_error_says_what_to_install(monkeypatch):
    def refuse(name: str) -> None:
        raise ImportError("No module named 'ants'")

    monkeypatch.setattr(registration.importlib, "import_module", refuse)
    with pytest.raises(ComponentImportError, match="needs antspyx") as told:
        registration.require_ants()
    assert "mlfp[register]" in str(told.value)
