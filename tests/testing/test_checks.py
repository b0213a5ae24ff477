"""Each contract check refuses what breaks the contract; test_contracts.py shows that it lets pass what keeps it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from mlfp.registry import Component, Registry
from mlfp.testing import (
    ContractError,
    assert_light_import,
    check_augmentation,
    check_component,
    check_dataset,
    check_encoder,
    check_evaluator,
    check_index,
    check_loss,
    check_miner,
    check_model,
    check_observer,
    check_preprocessor,
    check_scorer,
)
from mlfp.testing.contract import ContractError as Same
from mlfp.types.estimate import Estimate
from mlfp.types.scan_table import ScanTable
from mlfp.types.volume import Volume


class Averaging(nn.Module):
    """A good encoder to break."""

    def __init__(self, *, in_channels: int, spatial_dims: int, embedding_dim: int) -> None:
        super().__init__()
        self.convolution = {2: nn.Conv2d, 3: nn.Conv3d}[spatial_dims](in_channels, embedding_dim, 3)

    def forward(self, images):
        return self.convolution(images).square().flatten(2).mean(2)


class OnlyGrey(Averaging):
    def __init__(self, *, in_channels: int, spatial_dims: int, embedding_dim: int) -> None:
        super().__init__(in_channels=1, spatial_dims=spatial_dims, embedding_dim=embedding_dim)


class WithMap(Averaging):
    def forward(self, images):
        return self.convolution(images)


class OfBatch(Averaging):
    def forward(self, images):
        return super().forward(images - images.mean())


class Noisy(Averaging):
    def forward(self, images):
        return super().forward(images + torch.rand_like(images))


class Constant(Averaging):
    def forward(self, images):
        return super().forward(images) * 0


class Overwriting(Averaging):
    def forward(self, images):
        return super().forward(images.mul_(2))


class Idle(Averaging):
    def __init__(self, **asked: int) -> None:
        super().__init__(**asked)
        self.unused = nn.Linear(2, 2)


class Doubled(Averaging):
    def forward(self, images):
        return super().forward(images).double()


class Forgetful(Averaging):
    """Keeps something that decides its vectors outside its weights."""

    count = 0

    def __init__(self, **asked: int) -> None:
        super().__init__(**asked)
        Forgetful.count += 1
        self.factor = Forgetful.count

    def forward(self, images):
        return super().forward(images) * self.factor


class TestEncoder:
    @pytest.mark.parametrize("dims", [2, 3])
    def test_a_good_one(self, dims):
        check_encoder(Averaging, spatial_dims=dims)

    @pytest.mark.parametrize(
        ("broken", "said"),
        [
            (OnlyGrey, "raised RuntimeError"),
            (WithMap, r"should give \(B, D\) = \(3, 16\), gave"),
            (OfBatch, "depends on the others of its batch"),
            (Noisy, "gives another vector the second time"),
            (Constant, "gives different images the same vector"),
            (Overwriting, "changes the images"),
            (Idle, "weights that no gradient reaches: unused.weight"),
            (Doubled, "should give float32, gave torch.float64"),
            (Forgetful, "another one with the same weights gives other vectors"),
            (lambda **_: "no module", "should make a torch.nn.Module, made str"),
            (lambda **_: 1 / 0, "raised ZeroDivisionError"),
        ],
    )
    def test_broken_ones(self, broken, said):
        with pytest.raises(ContractError, match=said):
            check_encoder(broken, spatial_dims=2)


def miner_from(choose):
    """A miner of all pairs of which ``choose`` makes the result."""

    def mine(embeddings, labels, ref_emb=None, ref_labels=None):
        others = labels if ref_labels is None else ref_labels
        alike = labels[:, None] == others[None]
        if ref_labels is None:
            alike.fill_diagonal_(False)
        return choose(*alike.nonzero().T, *(labels[:, None] != others[None]).nonzero().T)

    return mine


class TestMiner:
    def test_a_good_one(self):
        check_miner(miner_from(lambda a, p, b, n: (a, p, b, n)))

    @pytest.mark.parametrize(
        ("choose", "said"),
        [
            (lambda a, p, b, n: (a, p), "3 or 4 vectors of rows, gave 2"),
            (lambda a, p, b, n: (a, p[1:], b, n), "lengths"),
            (lambda a, p, b, n: (a.int(), p, b, n), "int64 vectors, gave torch.int32"),
            (lambda a, p, b, n: (a, p + 99, b, n), "outside the batch"),
            (lambda a, p, b, n: (b, n, b, n), "a positive shows another subject"),
            (lambda a, p, b, n: (a, p, a, p), "a negative shows the same subject"),
            (lambda a, p, b, n: (a[:0], p[:0], b[:0], n[:0]), "finds nothing"),
            (lambda a, p, b, n: (a, a, b, n), "its own positive"),
            (lambda a, p, b, n: (a, p, b, n)[:: (1, -1)[len(a) == 0]] if a[0] >= 0 else None, "raised IndexError"),
            (lambda a, p, b, n: (a, p, b, n) if torch.rand(()) < 2 else None, "torch's global generator"),
        ],
    )
    def test_broken_ones(self, choose, said):
        with pytest.raises(ContractError, match=said):
            check_miner(miner_from(choose))


def pulling(embeddings, labels, indices_tuple=None):
    """A good loss to break: the mean distance of rows of one subject."""
    alike = labels[:, None] == labels[None]
    return (torch.cdist(embeddings, embeddings) * alike).sum() / alike.sum()


class TestLoss:
    def test_good_ones(self):
        check_loss(pulling)
        check_loss(lambda z1, z2: (z1 - z2).square().mean() + z1.square().mean())

    @pytest.mark.parametrize(
        ("broken", "said"),
        [
            (lambda embeddings, labels: torch.cdist(embeddings, embeddings).mean(1), "scalar, gave shape"),
            (lambda embeddings, labels: 0.0, "should give a tensor, gave float"),
            (lambda embeddings, labels: torch.zeros(()), "not connected to the embeddings"),
            (lambda embeddings, labels: embeddings.sum() * 0, "nothing would be trained"),
            (lambda embeddings, labels: (embeddings * 0).sum().log(), "is -inf"),
            (
                lambda embeddings, labels: embeddings[0].square().sum(),
                "when the rows of the batch come in another order",
            ),
            (lambda embeddings, labels: pulling(embeddings, labels) * torch.rand(()), "torch's global generator"),
            (lambda embeddings, labels: embeddings.norm(dim=1).square().sqrt().sum(), "gradient that is not finite"),
            (lambda embeddings, labels: embeddings.exp().sum(), "on embeddings of length 1000 is inf"),
            (lambda z1, z2: (z1 / (z1 - z2)).sum(), "identical embeddings is"),
            (lambda embeddings: embeddings.sum(), "should take"),
        ],
    )
    def test_broken_ones(self, broken, said):
        with pytest.raises(ContractError, match=said):
            check_loss(broken)


class Brighter:
    """A good augmentation to break."""

    def draw(self, generators, batch):
        return torch.stack([torch.rand(1, generator=generator) for generator in generators])

    def apply(self, batch, parameters):
        return batch + parameters.view(-1, *[1] * (batch.ndim - 1))


class DrawsLate(Brighter):
    def apply(self, batch, parameters):
        return batch + torch.rand(len(batch)).view(-1, *[1] * (batch.ndim - 1))


class OfNeighbours(Brighter):
    def draw(self, generators, batch):
        return super().draw(generators, batch) * len(generators)


class Still(Brighter):
    def apply(self, batch, parameters):
        return batch


class Shrinking(Brighter):
    def apply(self, batch, parameters):
        return batch[..., 1:]


class Scoped(Brighter):
    scope = "session"


class Unfinished:
    draw = Brighter.draw


class TestAugmentation:
    def test_good_ones(self):
        check_augmentation(Brighter(), spatial_dims=2)
        check_augmentation(lambda image: image * torch.rand(()), spatial_dims=3)

    @pytest.mark.parametrize(
        ("broken", "said"),
        [
            (DrawsLate(), "draws at random|global generator"),
            (OfNeighbours(), "depends on the others of its batch"),
            (Still(), "same result for 16 different generators"),
            (Shrinking(), "raised|keep the shape"),
            (Scoped(), "scope should be 'view' or 'subject'"),
            (Unfinished(), "neither 'apply' nor 'locate'"),
        ],
    )
    def test_broken_ones(self, broken, said):
        with pytest.raises(ContractError, match=said):
            check_augmentation(broken, spatial_dims=2)


class Measuring:
    needs = "ranking"

    def __init__(self, found):
        self.found = found

    def __call__(self, trial):
        return self.found() if callable(self.found) else self.found


class TestEvaluator:
    def test_a_good_one(self):
        check_evaluator(Measuring({"hit_at_1": Estimate(0.5, 0.4, 0.6, 30)}))

    @pytest.mark.parametrize(
        ("found", "said"),
        [
            ({}, "estimates by name"),
            ({"hit_at_1": 0.5}, "should be an Estimate, is float"),
            ({"Hit@1": Estimate(0.5, 0.4, 0.6, 30)}, "lower-case words"),
            ({"hit_at_1": Estimate(0.5, 0.6, 0.7, 30)}, "outside its interval"),
            ({"hit_at_1": Estimate(float("nan"), 0, 1, 30)}, "is nan"),
            ({"hit_at_1": Estimate(0.5, 0.4, 0.6, 0)}, "rests on 0 queries"),
            (lambda: {"hit_at_1": Estimate(next(_growing), 0, 99, 3)}, "other values for the same trial"),
        ],
    )
    def test_broken_ones(self, found, said):
        with pytest.raises(ContractError, match=said):
            check_evaluator(Measuring(found))

    def test_needs(self):
        broken = Measuring({})
        broken.needs = "pixels"
        with pytest.raises(ContractError, match="one of ranking, scores, scans, vectors, model, is 'pixels'"):
            check_evaluator(broken)


_growing = iter(range(99))


class Listing:
    def __init__(self, **columns: list[str]) -> None:
        self.columns = columns

    def table(self):
        return ScanTable(pd.DataFrame(self.columns))


class Reading(Listing):
    def __init__(self, read=None, key=None) -> None:
        super().__init__(scan=["a"], subject=["s"])
        self._read = read or (lambda row: Volume(np.ones((1, 4, 4)), scan=row["scan"]))
        self._key = key or (lambda row: "1")

    def read(self, row):
        return self._read(row)

    def key(self, row):
        return self._key(row)


class TestDataset:
    def test_good_ones(self):
        check_dataset(Listing(path=["/a.png"], subject=["s"]))
        check_dataset(Reading())

    @pytest.mark.parametrize(
        ("broken", "said"),
        [
            (Listing(path=["a.png"], subject=["s"]), "should be absolute"),
            (Listing(scan=["a"], subject=["s"]), "needs a column 'path'"),
            (Listing(scan=["a"]), "raised UsageError"),
            (Listing(scan=[], subject=[]), "raised|lists no scans"),
            (Reading(read=lambda row: np.ones((1, 4, 4))), "should give a Volume, gave ndarray"),
            (Reading(read=lambda row: Volume(np.ones((4, 4)), scan="a")), r"should give \(C, I, J\)"),
            (Reading(read=lambda row: Volume(np.full((1, 4, 4), np.nan), scan="a")), "not finite"),
            (Reading(read=lambda row: Volume(np.ones((1, 4, 4)))), "a volume of that scan"),
            (Reading(read=lambda row: Volume(np.ones((1, 4, 4)), np.eye(4), "a")), "affine should be 3 x 3"),
            (Reading(read=lambda row: Volume(np.random.default_rng().random((1, 4, 4)), scan="a")), "other pixels"),
            (Reading(key=lambda row: 3), "should give a text"),
            (Reading(key=lambda row: str(next(_growing))), "another key"),
        ],
    )
    def test_broken_ones(self, broken, said):
        with pytest.raises(ContractError, match=said):
            check_dataset(broken)


def halved(volume: Volume) -> Volume:
    return volume.with_data(volume.data / 2)


def anonymous(volume: Volume) -> Volume:
    return Volume(volume.data, volume.affine)


def overwriting(volume: Volume) -> Volume:
    volume.data[...] = 0
    return volume


def dividing(volume: Volume) -> Volume:
    return volume.with_data(volume.data * np.inf)


class TestPreprocessor:
    def test_a_good_one(self):
        check_preprocessor(halved)

    @pytest.mark.parametrize(
        ("broken", "said"),
        [
            (anonymous, "forgets which scan"),
            (overwriting, "changes the scan"),
            (dividing, "not finite"),
            (lambda volume: volume, "another process"),
            (lambda volume: volume.data, "should give a Volume"),
        ],
    )
    @pytest.mark.filterwarnings("ignore:invalid value")
    def test_broken_ones(self, broken, said):
        with pytest.raises(ContractError, match=said):
            check_preprocessor(broken)


class Negative:
    """A good scorer to break: the negative mean distance of pixels."""

    symmetric = False

    def describe(self, images):
        return images.flatten(1)

    def score(self, queries, gallery):
        return -torch.cdist(queries, gallery)


class Upside(Negative):
    def score(self, queries, gallery):
        return torch.cdist(queries, gallery)


class Relative(Negative):
    def score(self, queries, gallery):
        return super().score(queries, gallery).softmax(1)


class Centred(Negative):
    def describe(self, images):
        return (images - images.mean(0)).flatten(1)


class Lopsided(Negative):
    symmetric = True

    def score(self, queries, gallery):
        return super().score(queries, gallery) + 1e-2 * gallery.sum(1)


class Wide(Negative):
    def score(self, queries, gallery):
        return super().score(queries, gallery).double()


class OfTables:
    """Tells scans by the number that their file is named by."""

    def __init__(self, *, of_all: bool = False):
        self.of_all = of_all

    def describe_table(self, table):
        told = torch.tensor([float(path.rsplit("/")[-1].split(".")[0]) for path in table.column("path")])
        return (told - told.mean() if self.of_all else told)[:, None]

    def score(self, queries, gallery):
        return -torch.cdist(queries, gallery)


class TestScorer:
    @pytest.mark.parametrize("dims", [2, 3])
    def test_a_good_one(self, dims):
        check_scorer(Negative(), spatial_dims=dims)
        check_scorer(OfTables(), spatial_dims=dims)

    @pytest.mark.parametrize(
        ("broken", "said"),
        [
            (Upside(), "most alike should be the copies"),
            (Relative(), "depends on the block"),
            (Centred(), "depends on the other images"),
            (Lopsided(), "says that it is symmetric"),
            (Wide(), "should give float32"),
            (OfTables(of_all=True), "depends on the other images"),
        ],
    )
    def test_broken_ones(self, broken, said):
        with pytest.raises(ContractError, match=said):
            check_scorer(broken, spatial_dims=2)


class Quiet:
    def run_started(self, name, folder, settings): ...

    def step_finished(self, step, values): ...

    def run_finished(self, values): ...


class Deaf:
    run_started = Quiet.run_started
    step_finished = Quiet.step_finished


class Once(Quiet):
    def run_started(self, name, folder, settings):
        (folder / "log").mkdir()


class TestObserver:
    def test_a_good_one(self, tmp_path):
        check_observer(Quiet(), tmp_path)

    @pytest.mark.parametrize(
        ("broken", "said"),
        [(Deaf(), "no method run_finished"), (Once(), "during its resumption raised FileExistsError")],
    )
    def test_broken_ones(self, broken, said, tmp_path):
        with pytest.raises(ContractError, match=said):
            check_observer(broken, tmp_path)


class Exhaustive:
    """A good index to break."""

    def __init__(self) -> None:
        self.ids, self.rows = np.zeros(0, dtype=object), np.zeros((0, 6), dtype=np.float32)

    def add(self, ids, vectors):
        self.ids = np.concatenate([self.ids, np.array(ids, dtype=object)])
        self.rows = np.concatenate([self.rows, vectors / np.linalg.norm(vectors, axis=1, keepdims=True)])

    def search(self, vectors, k, where=None):
        keep = np.array([where is None or where(item) for item in self.ids])
        scores = vectors / np.linalg.norm(vectors, axis=1, keepdims=True) @ self.rows[keep].T
        order = np.argsort(-scores, axis=1)[:, :k]
        return self.ids[keep][order], np.take_along_axis(scores, order, 1)

    def remove(self, ids):
        keep = ~np.isin(self.ids, ids)
        self.ids, self.rows = self.ids[keep], self.rows[keep]

    def save(self, path):
        np.savez(path.with_suffix(".npz"), ids=self.ids.astype(str), rows=self.rows)

    def load(self, path):
        found = np.load(path.with_suffix(".npz"))
        self.ids, self.rows = found["ids"].astype(object), found["rows"]


class Worst(Exhaustive):
    def search(self, vectors, k, where=None):
        ids, scores = super().search(vectors, k, where)
        return ids[:, ::-1], scores[:, ::-1]


class Unfiltered(Exhaustive):
    def search(self, vectors, k, where=None):
        return super().search(vectors, k)


class Unforgetting(Exhaustive):
    def remove(self, ids): ...


class Rounding(Exhaustive):
    def load(self, path):
        super().load(path)
        self.rows = np.round(self.rows)


class TestIndex:
    def test_a_good_one(self, tmp_path):
        check_index(Exhaustive, tmp_path)

    @pytest.mark.parametrize(
        ("broken", "said"),
        [
            (Worst, "its own nearest neighbour"),
            (Unfiltered, "outside 'where'"),
            (Unforgetting, "still finds what was removed"),
            (Rounding, "once saved and loaded"),
        ],
    )
    def test_broken_ones(self, broken, said, tmp_path):
        with pytest.raises(ContractError, match=said):
            check_index(broken, tmp_path)


class TestModel:
    def test_a_path_that_is_not_there(self):
        with pytest.raises(ContractError, match="a path that is not there: nowhere"):
            check_model(lambda: Path("nowhere"))

    def test_a_file_that_is_no_model(self, tmp_path):
        (tmp_path / "model.safetensors").write_bytes(b"no model")
        with pytest.raises(ContractError, match=r"loading .* raised"):
            check_model(lambda: tmp_path / "model.safetensors")

    def test_a_model(self, tmp_path):
        from mlfp.fingerprints.model import describe, untrained
        from mlfp.types.spec import Spec

        card = describe(Spec("compact-2d"), shape=(1, 32, 32), embedding_dim=8)
        untrained(card, 0).save(tmp_path / "model.safetensors")
        check_model(lambda: tmp_path / "model.safetensors")


class Typed:
    def __init__(self, size: int = 3) -> None: ...


class Untyped:
    def __init__(self, size=3) -> None: ...


class Mistyped:
    def __init__(self, size: int = "big") -> None: ...


class Anything:
    def __init__(self, **anything: int) -> None: ...


class TestComponent:
    @pytest.mark.parametrize(
        ("target", "said"),
        [
            ("Typed", "Typed cannot be called"),
            ("Untyped", "size has no type"),
            ("Mistyped", "checking its own default raised ParameterError"),
            ("Anything", "takes any keyword"),
            ("Nothing", "importing .* raised ComponentImportError"),
        ],
    )
    def test_parameters_are_checked(self, target, said):
        component = Component("loss", "mine", "a", f"{__name__}:{target}", summary="x")
        registry = Registry()
        registry.add([component])
        with pytest.raises(ContractError, match=said):
            check_component(registry, component)


class TestImports:
    def test_a_light_module(self):
        assert_light_import("json")
        assert_light_import("mlfp.testing.pytest_plugin")
        assert_light_import("mlfp.testing")

    def test_a_heavy_one(self):
        with pytest.raises(AssertionError, match=r"importing json imports decoder_of_mine, json\.decoder"):
            assert_light_import(
                "json", heavy=["decoder_of_mine", "json.decoder"], then="sys.modules['decoder_of_mine'] = 1"
            )

    def test_one_that_prints(self):
        assert_light_import("this")

    def test_one_that_fails(self):
        with pytest.raises(AssertionError, match="No module named 'no_such_module'"):
            assert_light_import("no_such_module")


def test_the_package_gives_what_it_names():
    import mlfp.testing

    assert ContractError is Same
    assert all(hasattr(mlfp.testing, name) for name in mlfp.testing.__all__)
    assert set(mlfp.testing.__all__) <= set(dir(mlfp.testing))
    with pytest.raises(AttributeError, match="no attribute 'check_nothing'"):
        mlfp.testing.check_nothing  # noqa: B018 - looking it up is the test
