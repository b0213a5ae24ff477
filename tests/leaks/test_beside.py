"""One scan beside those that a search found, verified."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mlfp import api
from mlfp.leaks import beside
from mlfp.leaks.calibration import Calibration, Curve
from mlfp.leaks.verify import compare, loaded
from mlfp.search.find import find

CALIBRATION = Calibration(
    Curve((-4.0, 8.0), (-4.0, 8.0)), same=100, different=1000, subjects=50, highest=(8.0,), alike=(3.0,),
    verified=Curve((-0.1, 0.1), (-9.0, 9.0)), verified_same=50, verified_different=50,
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(small_store, tmp_path_factory):
    """A store of 20 pictures whose model is calibrated for both stages."""
    top = tmp_path_factory.mktemp("beside")
    model = small_store.model()
    model.card = replace(model.card, calibration=CALIBRATION.to_json())
    model.save(top / "model" / "model.safetensors")
    api.embed(small_store.pictures(top / "data", subjects=10, scans=2), model=top / "model", out=top / "store")
    return top


def test_what_is_found_is_laid_over_the_scan_and_that_counts_in_the_odds(folder):
    asked, hits = find(folder / "store", "images/1_0.png", k=2)
    alone = beside.with_odds(folder / "store", asked, hits, verified=False)
    found = beside.with_odds(folder / "store", asked, hits)
    assert not alone.seen
    assert list(found.seen) == [hit.scan for hit in found.hits]
    for before, after in zip(alone.hits, found.hits, strict=True):
        seen = found.seen[after.scan]
        direct = compare(loaded(asked.row), loaded(after.row))
        assert seen.gain == pytest.approx(direct.gain, abs=1e-4)
        assert (after.p_same > before.p_same) == (seen.gain > 0) or before.p_same == pytest.approx(after.p_same)
    right = next(hit for hit in found.hits if hit.row["subject"] == "s1")
    assert right.p_same == max(hit.p_same for hit in found.hits)


def test_a_file_outside_the_store_is_verified_too_and_the_page_shows_both(folder):
    page = folder / "page.html"
    copy = folder / "outside.png"
    copy.write_bytes((folder / "data/images/2_1.png").read_bytes())
    (hit,) = api.search(folder / "store", copy, k=1, html=page)
    assert hit.row["subject"] == "s2"
    text = page.read_text(encoding="utf-8")
    assert "checkerboard" in text
    assert "<dt>gain</dt>" in text
    assert text.count("data:image/png;base64,") == 2
    api.search(folder / "store", copy, k=1, html=page, verify="never")
    assert "<dt>gain</dt>" not in page.read_text(encoding="utf-8")


def test_a_probability_is_never_told_as_certain(folder):
    _, hits = find(folder / "store", "images/1_0.png", k=1)
    assert replace(hits[0], p_same=0.99999).chance == ">0.99"
    assert replace(hits[0], p_same=0.0123).chance == "0.012"
    assert hits[0].chance == ""
