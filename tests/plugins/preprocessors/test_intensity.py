"""Steps that change values, and the mask that they look into."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mlfp_plugins.preprocessors.normalise import Normalise
from mlfp_plugins.preprocessors.percentile import Percentile
from mlfp_plugins.preprocessors.synthetic_contrast import SyntheticContrast
from mlfp_plugins.preprocessors.zscore import ZScore

from mlfp.data.masks import air, foreground
from mlfp.data.readers import read
from mlfp.errors import ParameterError, ScanError
from mlfp.types.volume import Volume


def head(scale: float = 1.0, offset: float = 0.0, seed: int = 0) -> tuple[Volume, np.ndarray]:
    """A ball of tissue with a dark ventricle, noise in the air, and where it is."""
    grid = np.stack(np.meshgrid(*[np.arange(32) - 16.0] * 3, indexing="ij"))
    radius = np.sqrt((grid**2).sum(axis=0))
    inside = radius < 11
    generator = np.random.default_rng(seed)
    data = np.where(inside, 100 + generator.normal(0, 8, radius.shape), abs(generator.normal(0, 2, radius.shape)))
    data[radius < 3] = 5
    return Volume((data * scale + offset).astype(np.float32)[np.newaxis], scan="scan"), inside


class TestForeground:
    @given(st.sampled_from([0.01, 1.0, 500.0, -1.0]), st.sampled_from([0.0, -1000.0, 300.0]))
    @settings(deadline=None, max_examples=12)
    def test_the_head_with_its_holes_whatever_the_scale_and_the_air(self, scale, offset) -> None:
        volume, inside = head(scale, offset)
        assert (foreground(volume.data) != inside).mean() < 0.01

    def test_a_normalised_head_is_found_again(self) -> None:
        volume, inside = head()
        assert (foreground(ZScore()(volume).data) != inside).mean() < 0.03

    def test_specks_apart_from_the_head_are_air(self) -> None:
        volume, _ = head()
        volume.data[0, 1:3, 1:3, 1:3] = 200
        assert not foreground(volume.data)[:4, :4, :4].any()

    def test_nothing_is_found_where_nothing_is(self) -> None:
        assert not foreground(np.full((1, 8, 8, 8), 7.0)).any()

    def test_any_channel_counts(self) -> None:
        volume, _ = head()
        both = np.concatenate([np.zeros_like(volume.data), volume.data])
        np.testing.assert_array_equal(foreground(both), foreground(volume.data))

    def test_a_large_scan_is_looked_at_coarsely(self, monkeypatch: pytest.MonkeyPatch) -> None:
        volume, inside = head()
        monkeypatch.setattr("mlfp.data.masks.VOXELS", 5000)
        found = foreground(volume.data)
        assert found.shape == inside.shape
        assert (found != inside).mean() < 0.08

    def test_air_is_what_most_of_the_border_shows(self) -> None:
        data = np.full((9, 9), 3.0)
        data[:, :3] = 50
        assert air(data) == 3.0

    @pytest.mark.real
    @pytest.mark.parametrize("pack", ["brain-lgg", "brain-openms", "brain-ds011", "brain-ds002748"])
    def test_real_heads_fill_a_plausible_part(self, real_data: Path, pack: str) -> None:
        paths = pd.read_csv(real_data / pack / "scans.csv")["path"]
        for path in paths.iloc[np.linspace(0, len(paths) - 1, 8).astype(int)]:
            volume = read(real_data / pack / path)
            litres = foreground(volume.data).sum() * np.prod(volume.spacing) / 1e6
            assert 0.8 < litres < 5.5, f"{path}: {litres:.2f} litres"


class TestZScore:
    def test_mean_0_and_deviation_1_inside_and_0_outside(self) -> None:
        volume, _ = head()
        data = ZScore()(volume).data
        inside = foreground(volume.data)[np.newaxis]
        assert abs(data[inside].mean()) < 1e-4
        assert abs(data[inside].std() - 1) < 1e-4
        assert (data[~inside] == 0).all()

    @given(st.floats(0.1, 100))
    @settings(deadline=None, max_examples=8)
    def test_the_scanner_s_gain_does_not_matter(self, gain: float) -> None:
        np.testing.assert_allclose(ZScore()(head(gain)[0]).data, ZScore()(head()[0]).data, atol=1e-3)

    def test_pictures_are_taken_whole_unless_asked_otherwise(self) -> None:
        picture = Volume(head()[0].data[:, 16], scan="scan")
        assert abs(ZScore()(picture).data.mean()) < 1e-5
        assert (ZScore("foreground")(picture).data[0, 0] == 0).all()

    @pytest.mark.parametrize("value", [0.0, 1e6, -3.3])
    def test_an_empty_scan_is_refused(self, value: float) -> None:
        with pytest.raises(ScanError):
            ZScore()(Volume(np.full((1, 8, 8, 8), value), scan="scan"))
        with pytest.raises(ScanError, match="one value"):
            ZScore()(Volume(np.full((1, 8, 8), value), scan="scan"))


class TestPercentile:
    def test_from_0_to_1_with_the_tails_clipped(self) -> None:
        volume, _ = head()
        data = Percentile(2.5, 97.5)(volume).data
        assert data.min() == 0
        assert data.max() == 1
        mask = foreground(volume.data)[np.newaxis]
        np.testing.assert_allclose((data[mask] == 0).mean(), 0.025, atol=0.005)
        np.testing.assert_allclose((data[mask] == 1).mean(), 0.025, atol=0.005)

    def test_a_ramp_by_hand(self) -> None:
        picture = Volume(np.arange(101.0).reshape(1, 1, 101), scan="scan")
        data = Percentile(10, 90)(picture).data[0, 0]
        np.testing.assert_allclose(data[[0, 10, 50, 90, 100]], [0, 0, 0.5, 1, 1], atol=1e-6)

    def test_wrong_percentiles_and_flat_scans_are_refused(self) -> None:
        with pytest.raises(ParameterError, match="low < high"):
            Percentile(90, 10)
        with pytest.raises(ScanError, match="are both"):
            Percentile()(Volume(np.full((1, 8, 8), 3.0), scan="scan"))


class TestSyntheticContrast:
    """SYNT-CONTR: every scan's draw is its own, and stays."""

    @staticmethod
    def scans(count: int) -> list[Volume]:
        data = np.random.default_rng(0).normal(size=(1, 12, 12)).astype(np.float32)
        return [Volume(data, scan=f"scan-{place}") for place in range(count)]

    def test_a_negative_shifted_is_the_equation(self) -> None:
        scan = self.scans(1)[0]
        made = SyntheticContrast(negative=1, shift=0)(scan).data
        np.testing.assert_allclose(made, scan.data.min() + scan.data.max() - scan.data, atol=1e-6)
        shifted = SyntheticContrast(negative=0, shift=0.5)(scan).data - scan.data
        assert np.ptp(shifted) < 1e-6
        assert 0 < abs(shifted.mean()) <= 0.5 * scan.data.std()

    def test_shares_and_shifts_are_distributed_as_said(self) -> None:
        scans = self.scans(600)
        data = scans[0].data
        inverted, shifts = [], []
        for scan in scans:
            made = SyntheticContrast()(scan).data
            inverted.append(np.corrcoef(made.ravel(), data.ravel())[0, 1] < 0)
            base = data.min() + data.max() - data if inverted[-1] else data
            shifts.append((made - base).mean() / data.std())
        assert np.mean(inverted) == pytest.approx(0.5, abs=0.06)
        assert np.max(np.abs(shifts)) <= 0.25 + 1e-5
        assert np.std(shifts) == pytest.approx(0.25 / np.sqrt(3), rel=0.08)
        assert np.corrcoef(inverted, shifts)[0, 1] == pytest.approx(0, abs=0.12)

    def test_the_seed_and_the_scan_decide(self) -> None:
        one, other = self.scans(2)
        made = SyntheticContrast()(one).data
        assert np.array_equal(made, SyntheticContrast()(one).data)
        assert not np.array_equal(made, SyntheticContrast(seed=1)(one).data)
        assert not np.array_equal(made, SyntheticContrast()(other).data)

    @pytest.mark.parametrize("wrong", [{"negative": 1.2}, {"negative": -0.1}, {"shift": -1}])
    def test_what_cannot_be_is_refused(self, wrong: dict[str, float]) -> None:
        with pytest.raises(ParameterError):
            SyntheticContrast(**wrong)


class TestNormalise:
    IMAGENET = Normalise(mean=[0.485, 0.456, 0.406], deviation=[0.229, 0.224, 0.225], scale=255)

    def test_an_x_ray_is_torchvision_s_in_colour(self) -> None:
        """As Few-Shot Fingerprinting's released code has it: RGB / 255, then ImageNet's mean and deviation."""
        transforms = pytest.importorskip("torchvision.transforms.functional")
        pixels = np.random.default_rng(0).integers(0, 256, (9, 7)).astype(np.float32)
        found = self.IMAGENET(Volume(pixels[np.newaxis], np.eye(3), "s")).data
        rgb = torch.from_numpy(pixels / 255).expand(3, -1, -1)
        expected = transforms.normalize(rgb, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected.numpy(), atol=1e-5)

    def test_all_scans_by_the_same_numbers(self) -> None:
        volume, _ = head()
        found = Normalise(mean=20, deviation=5)(volume).data
        np.testing.assert_allclose(found, (volume.data - 20) / 5, atol=1e-4)

    def test_each_channel_by_its_own(self) -> None:
        data = np.ones((2, 3, 4), dtype=np.float32)
        found = Normalise(mean=[1, 3], deviation=2)(Volume(data, np.eye(3), "s")).data
        assert found[:, 0, 0].tolist() == [0, -1]

    def test_what_cannot_be_is_refused(self) -> None:
        with pytest.raises(ParameterError, match="deviation should be above 0"):
            Normalise(mean=0, deviation=0)
        with pytest.raises(ParameterError, match="different numbers of channels"):
            Normalise(mean=[0, 1], deviation=[1, 1, 1])
        with pytest.raises(ScanError, match="2 channels, and mean and deviation are of 3"):
            self.IMAGENET(Volume(np.ones((2, 3, 4), dtype=np.float32), np.eye(3), "s"))
