"""Steps that move pixels: what lies at a place in mm before, lies there afterwards."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlfp_plugins.preprocessors.crop import Crop
from mlfp_plugins.preprocessors.move import Move
from mlfp_plugins.preprocessors.pad import Pad
from mlfp_plugins.preprocessors.resample import Resample
from mlfp_plugins.preprocessors.resize import Resize
from mlfp_plugins.preprocessors.slice import Slice

from mlfp.errors import ParameterError, ScanError
from mlfp.types.volume import Volume

SPACING = st.tuples(*[st.floats(0.8, 3.5)] * 3)
SHAPE = st.tuples(*[st.integers(12, 24)] * 3)


def tilted(spacing: tuple[float, ...], angle: float = 0.2) -> np.ndarray:
    """An oblique affine, with the origin somewhere."""
    turn = np.eye(3)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag(spacing)
    affine[:3, 3] = [-40.0, 12.5, 7.0]
    return affine


def places(volume: Volume) -> np.ndarray:
    """(*spatial, n) where each voxel lies, in mm."""
    grid = np.stack(np.meshgrid(*map(np.arange, volume.shape), indexing="ij"), axis=-1)
    return grid @ volume.affine[:-1, :-1].T + volume.affine[:-1, -1]


def ramp(volume: Volume) -> Volume:
    """The volume with values that are linear in mm: value 3 x - 2 y + z (+ ...)."""
    weights = np.array([3.0, -2.0, 1.0])[: volume.spatial_dims]
    return volume.with_data((places(volume) @ weights).astype(np.float32)[np.newaxis])


def blob(shape: tuple[int, ...], affine: np.ndarray, point: np.ndarray, width: float = 4.0) -> Volume:
    """A soft ball at a point in mm."""
    volume = Volume(np.zeros((1, *shape)), affine, "scan")
    distance = ((places(volume) - point) ** 2).sum(axis=-1)
    return volume.with_data(np.exp(-distance / (2 * width**2)).astype(np.float32)[np.newaxis])


def centre(volume: Volume) -> np.ndarray:
    """The centre of mass in mm."""
    weights = volume.data[0] / volume.data[0].sum()
    return (places(volume) * weights[..., np.newaxis]).reshape(-1, volume.spatial_dims).sum(axis=0)


def inner(data: np.ndarray, margin: int) -> np.ndarray:
    return data[(slice(None), *(slice(margin, -margin),) * (data.ndim - 1))]


class TestResample:
    @given(SHAPE, SPACING, st.floats(0.9, 4.0))
    @settings(deadline=None, max_examples=40)
    def test_values_stay_where_they_are_in_mm(self, shape, spacing, wanted) -> None:
        before = ramp(Volume(np.zeros((1, *shape)), tilted(spacing), "scan"))
        after = Resample(wanted)(before)
        np.testing.assert_allclose(after.spacing, [wanted] * 3, rtol=1e-6)
        margin = 1 + int(np.ceil(max(1.0, *(old / wanted for old in spacing))))
        if min(after.shape) > 2 * margin:
            np.testing.assert_allclose(inner(after.data, margin), inner(ramp(after).data, margin), atol=2e-2)

    @given(SHAPE, SPACING, st.floats(0.9, 4.0))
    @settings(deadline=None, max_examples=20)
    def test_the_field_of_view_keeps_its_centre_and_its_size_to_a_voxel(self, shape, spacing, wanted) -> None:
        before = Volume(np.random.default_rng(0).normal(size=(1, *shape)), tilted(spacing), "scan")
        after = Resample(wanted)(before)
        middles = [volume.affine @ [*(np.array(volume.shape) - 1) / 2, 1] for volume in (before, after)]
        np.testing.assert_allclose(*middles, atol=1e-9)
        sizes = [np.array(volume.shape) * volume.spacing for volume in (before, after)]
        assert (abs(sizes[0] - sizes[1]) <= wanted / 2 + 1e-6).all()

    def test_the_same_spacing_changes_nothing(self) -> None:
        before = Volume(
            np.random.default_rng(0).normal(size=(2, 5, 6, 7)).astype(np.float32), tilted((2, 2, 2)), "scan"
        )
        after = Resample((2.0, 2.0, 2.0))(before)
        np.testing.assert_allclose(after.data, before.data, atol=1e-5)
        np.testing.assert_allclose(after.affine, before.affine)

    def test_a_coarser_grid_averages_and_does_not_skip(self) -> None:
        stripes = np.tile([0.0, 1.0], 20)[np.newaxis, :, np.newaxis] * np.ones((1, 40, 40))
        after = Resample(4.0)(Volume(stripes, np.eye(3), "scan"))
        np.testing.assert_allclose(inner(after.data, 1), 0.5, atol=0.02)

    def test_a_spacing_per_axis(self) -> None:
        after = Resample((1, 2, 4))(Volume(np.zeros((1, 16, 16, 16)), np.diag([2.0, 2, 2, 1]), "scan"))
        assert after.shape == (32, 16, 8)

    def test_wrong_spacings_are_refused(self) -> None:
        for wrong in (0, -1.0, [], [1, 0, 1], float("nan")):
            with pytest.raises(ParameterError, match="above 0"):
                Resample(wrong)
        with pytest.raises(ParameterError, match="3 numbers for scans of 2"):
            Resample((1, 1, 1))(Volume(np.zeros((1, 4, 4)), np.eye(3), "scan"))
        with pytest.raises(ScanError, match="gives the shape"):
            Resample(0.002)(Volume(np.zeros((1, 40, 40, 40)), np.eye(4), "scan"))


class TestResize:
    @given(SHAPE, SPACING, SHAPE)
    @settings(deadline=None, max_examples=20)
    def test_the_field_of_view_is_stretched_onto_the_grid(self, shape, spacing, wanted) -> None:
        before = Volume(np.zeros((1, *shape)), tilted(spacing), "scan")
        after = Resize(wanted)(before)
        assert after.shape == wanted
        np.testing.assert_allclose(np.array(after.shape) * after.spacing, np.array(shape) * spacing)

    def test_half_the_size_is_a_mean_by_hand(self) -> None:
        # The window of a new voxel takes in two old ones: half of each neighbour and the whole of the middle one,
        # then halfway between two such means.
        after = Resize((1, 4))(Volume(np.array([[[0.0, 0, 0, 8, 0, 0, 0, 0]]]), scan="scan"))
        np.testing.assert_allclose(after.data[0, 0], [0, 3, 1, 0])

    def test_wrong_shapes_are_refused(self) -> None:
        with pytest.raises(ParameterError, match="1 or more"):
            Resize([4, 0])
        with pytest.raises(ParameterError, match="2 lengths for scans of 3"):
            Resize([4, 4])(Volume(np.zeros((1, 4, 4, 4)), scan="scan"))


@given(SHAPE, st.tuples(*[st.integers(6, 30)] * 3))
@settings(deadline=None, max_examples=40)
def test_padding_and_cutting_move_no_voxel(shape, wanted) -> None:
    before = ramp(Volume(np.zeros((1, *shape)), tilted((2.0, 1.5, 1.0)), "scan"))
    after = Pad(wanted, value=-1e6)(before)
    assert after.shape == wanted
    filled = after.data > -1e6
    np.testing.assert_allclose(after.data[filled], ramp(after).data[filled], atol=1e-2)
    assert filled.sum() == np.prod(np.minimum(shape, wanted))
    back = Pad(shape)(after)
    if all(new >= old for new, old in zip(wanted, shape, strict=True)):
        np.testing.assert_array_equal(back.data, before.data)
        np.testing.assert_allclose(back.affine, before.affine)


@given(st.floats(0, 15))
@settings(deadline=None, max_examples=15)
def test_cropping_keeps_the_content_with_its_margin_where_it_is(margin) -> None:
    affine = tilted((2.0, 1.5, 1.0))
    before = blob((40, 44, 48), affine, (affine @ [15, 20, 30, 1])[:3], width=3.0)
    after = Crop(margin)(before)
    np.testing.assert_allclose(centre(after), centre(before), atol=0.3)
    assert after.data.max() == before.data.max()
    lost = before.data.sum() - after.data.sum()
    assert lost < 0.2 * before.data.sum()
    if margin > 10:
        assert lost < 1e-3 * before.data.sum()
    smaller = Crop(0)(before)
    assert all(
        small <= large <= whole for small, large, whole in zip(smaller.shape, after.shape, before.shape, strict=True)
    )


@settings(max_examples=25, deadline=None)
@given(st.tuples(*[st.integers(-6, 6)] * 3), st.sampled_from([(24, 26, 22), (13, 14, 40), 17]))
def test_heads_lie_on_each_other_wherever_they_lay(moved, shape) -> None:
    blob = np.zeros((1, 30, 30, 30), np.float32)
    blob[0, 9:21, 10:19, 11:22] = np.random.default_rng(0).uniform(5, 9, (12, 9, 11))
    pad = Pad(shape, around="mass")
    before, after = (
        pad(Volume(data, np.diag([2.0, 2, 2, 1]))) for data in (blob, np.roll(blob, moved, axis=(1, 2, 3)))
    )
    assert np.array_equal(before.data, after.data)
    assert after.affine[:3, 3] - before.affine[:3, 3] == pytest.approx(2.0 * np.array(moved)), "in mm nothing moves"


def test_an_empty_scan_has_no_centre_of_mass() -> None:
    with pytest.raises(ScanError, match="nothing in it"):
        Pad(8, around="mass")(Volume(np.zeros((1, 9, 9, 9), np.float32), np.eye(4)))
    with pytest.raises(ParameterError, match="middle or mass"):
        Pad(8, around="brain")  # type: ignore[arg-type]


def test_cropping_an_empty_scan_is_refused() -> None:
    with pytest.raises(ScanError, match="air"):
        Crop()(Volume(np.zeros((1, 9, 9, 9)), scan="scan"))


class TestMove:
    @given(st.text(min_size=1, max_size=5), st.floats(0, 25), st.floats(0, 15), st.floats(0, 0.2))
    @settings(deadline=None, max_examples=25)
    def test_a_point_lands_where_the_matrix_says(self, scan, rotate, shift, scale) -> None:
        affine = tilted((2.0, 2.5, 1.8), angle=0.3)
        point = (affine @ [24, 18, 30, 1])[:3]
        before = blob((48, 44, 52), affine, point)
        before = Volume(before.data, before.affine, scan)
        move = Move(rotate, shift, scale)
        after = move(before)
        np.testing.assert_array_equal(after.affine, before.affine)
        assert after.shape == before.shape
        np.testing.assert_allclose(centre(after), (move.matrix(before) @ [*point, 1])[:3], atol=0.25)

    @given(st.text(max_size=5), st.integers(0, 3))
    @settings(deadline=None, max_examples=25)
    def test_a_draw_is_rigid_but_for_its_scale_and_within_its_limits(self, scan, seed) -> None:
        volume = Volume(np.zeros((1, 20, 30, 40)), tilted((2.0, 2.5, 1.8)), scan)
        matrix = Move(10, 8, 0.05, seed).matrix(volume)
        size = np.cbrt(np.linalg.det(matrix[:3, :3]))
        assert 0.95 <= size <= 1.05
        rotation = matrix[:3, :3] / size
        np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-9)
        # Three turns of up to 10 degrees are one of up to 17.4 (30 in the worst of orders).
        assert np.rad2deg(np.arccos(np.clip((np.trace(rotation) - 1) / 2, -1, 1))) <= 30
        middle = volume.affine @ [*(np.array(volume.shape) - 1) / 2, 1]
        assert (abs((matrix @ middle - middle)[:3]) <= 8).all()

    def test_the_draw_follows_from_seed_and_scan_alone(self) -> None:
        content = np.random.default_rng(0).normal(size=(1, 10, 10, 10))
        one, other = Volume(content, scan="one"), Volume(content, scan="other")
        move = Move(10, 1, 0.05)
        np.testing.assert_array_equal(move(one).data, Move(10, 1, 0.05)(one).data)
        assert not np.allclose(move(one).data, move(other).data)
        assert not np.allclose(move(one).data, Move(10, 1, 0.05, seed=1)(one).data)

    def test_no_move_is_no_change(self) -> None:
        volume = Volume(np.random.default_rng(0).normal(size=(2, 9, 8)).astype(np.float32), scan="scan")
        np.testing.assert_allclose(Move()(volume).data, volume.data, atol=1e-5)

    def test_draws_spread_evenly_over_their_limits(self) -> None:
        volumes = [Volume(np.zeros((1, 5, 5)), scan=f"scan{number}") for number in range(400)]
        matrices = np.stack([Move(shift=10).matrix(volume) for volume in volumes])
        shifts = matrices[:, :2, 2]
        assert abs(shifts).max() <= 10
        np.testing.assert_allclose(shifts.mean(axis=0), 0, atol=1)
        np.testing.assert_allclose(shifts.std(axis=0), 10 / np.sqrt(3), rtol=0.1)

    def test_air_comes_in_from_outside(self) -> None:
        data = np.full((1, 30, 30), -1000.0)
        data[:, 10:20, 10:20] = 50
        moved = Move(shift=6, rotate=40)(Volume(data, scan="scan"))
        assert moved.data.min() == -1000
        assert moved.data[:, 0].max() == -1000

    def test_wrong_amounts_are_refused(self) -> None:
        for wrong in ({"rotate": -1}, {"shift": float("nan")}, {"scale": 1.0}):
            with pytest.raises(ParameterError, match="largest amount"):
                Move(**wrong)


class TestSlice:
    #: A ball to the right of, before and above the middle, in a volume of 40 x 48 x 32 voxels.
    affine = np.array([[2.0, 0, 0, -40], [0, 1.5, 0, -36], [0, 0, 3.0, -48], [0, 0, 0, 1]])
    point = np.array([14.0, 9.0, 15.0])
    volume = blob((40, 48, 32), affine, point, width=6.0)

    @pytest.mark.parametrize(
        ("axis", "shape", "up", "across"),
        [("axial", (48, 40), 1, 0), ("coronal", (32, 40), 2, 0), ("sagittal", (32, 48), 2, 1)],
    )
    def test_pictures_are_upright_and_know_where_they_lie(self, axis, shape, up, across) -> None:
        picture = Slice(axis)(self.volume)
        assert picture.data.shape == (1, *shape)
        row, column = np.unravel_index(picture.data[0].argmax(), shape)
        assert row < shape[0] / 2, "front and top of the head are at the top"
        assert column > shape[1] / 2, "the subject's right, and the front, are at the right"
        np.testing.assert_allclose(centre(picture), self.point[[up, across]], atol=0.1)
        assert picture.spacing == (self.volume.spacing[up], self.volume.spacing[across])

    def test_an_oblique_volume_keeps_its_spacing_in_the_plane(self) -> None:
        picture = Slice("axial")(Volume(np.zeros((1, 9, 9, 9)), tilted((2.0, 1.5, 3.0), angle=0.5), "scan"))
        np.testing.assert_allclose(picture.spacing, (1.5, 2.0))

    def test_several_slices_are_channels_in_order(self) -> None:
        data = np.broadcast_to(np.arange(11.0), (1, 4, 5, 11))
        for count, step, expected in ((1, 1, [5]), (3, 1, [4, 5, 6]), (3, 2, [3, 5, 7]), (4, 1, [3, 4, 5, 6])):
            picture = Slice(count=count, step=step)(Volume(data, scan="scan"))
            assert list(picture.data[:, 0, 0]) == expected

    def test_channels_of_one_slice_stay_together(self) -> None:
        data = np.stack([np.full((3, 3, 3), 1.0), np.full((3, 3, 3), 2.0)])
        assert list(Slice(count=3)(Volume(data, scan="scan")).data[:, 0, 0]) == [1, 2] * 3

    @pytest.mark.parametrize(("position", "expected"), [("center", 5), (0.0, 0), (1.0, 10), (0.3, 3)])
    def test_positions(self, position, expected) -> None:
        data = np.broadcast_to(np.arange(11.0), (1, 4, 5, 11))
        assert Slice(position=position)(Volume(data, scan="scan")).data[0, 0, 0] == expected

    def test_slices_outside_and_slices_of_pictures_are_refused(self) -> None:
        volume = Volume(np.zeros((1, 4, 5, 6)), scan="scan")
        with pytest.raises(ScanError, match="do not fit"):
            Slice(position=1.0, count=3)(volume)
        with pytest.raises(ScanError, match="picture"):
            Slice()(Volume(np.zeros((1, 4, 5)), scan="scan"))
        for wrong in ({"position": 1.5}, {"count": 0}, {"step": 0}):
            with pytest.raises(ParameterError):
                Slice(**wrong)
