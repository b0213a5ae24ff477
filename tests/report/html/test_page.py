from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner

from mlfp.bench.expected import Expectation
from mlfp.bench.results import BenchResult
from mlfp.cli.app import application
from mlfp.report import html, saved

Make = Callable[..., BenchResult]
VOID = {"meta", "link", "br", "image", "line", "input", "img"}


class Structure(HTMLParser):
    """Complains of tags that do not close in the order in which they opened."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        self.ids += [value for name, value in attrs if name == "id" and value]
        self.addresses += [str(known[name]) for name in ("src", "href", "srcset", "action", "data") if name in known]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


@pytest.fixture(scope="session")
def page(finished: Path) -> str:
    return (finished / "report.html").read_text(encoding="utf-8")


def test_the_bench_leaves_a_page_that_is_well_formed_and_asks_for_nothing(page: str) -> None:
    structure = Structure(page)
    assert len(set(structure.ids)) == len(structure.ids)
    assert [address for address in structure.addresses if not address.startswith(("#", "data:"))] == []
    assert "url(http" not in page
    assert "@import" not in page
    assert "default-src 'none'" in page


def test_every_address_within_the_page_has_its_place(page: str) -> None:
    structure = Structure(page)
    assert {address[1:] for address in structure.addresses if address.startswith("#")} <= set(structure.ids)


def test_every_section_is_there(page: str) -> None:
    for section in ("ranking", "curves", "maps", "saliency", "retrieval", "learning", "method"):
        assert f'<section id="{section}">' in page
    for said in ("worst errors first", "cosine distance", "Please cite", "To reproduce", "mlfp bench bench.yaml"):
        assert said in page


def test_names_are_text(page: str) -> None:
    assert "<i>triplet</i>" not in page
    assert "&lt;i&gt;triplet&lt;/i&gt;" in page


def test_numbers_are_those_of_the_result(page: str, finished: Path) -> None:
    for row in saved.read(finished).rows:
        for name, estimate in row.metrics.items():
            if "[" not in name and "lone" not in name:
                assert f'<span class="value">{estimate.value:.3f}</span>' in page


def test_what_is_read_again_makes_the_page_that_was_written(finished: Path) -> None:
    page = (finished / "report.html").read_text(encoding="utf-8")
    assert html.render(saved.read(finished)) == page


def test_what_the_tests_say_stands_in_words(page: str) -> None:
    for said in ("What the tests say", "no difference shown", "Permutation tests over", "baseline"):
        assert said in page


def test_pictures_stand_in_the_page_once(page: str) -> None:
    pictures = re.findall(r'href="(data:image/jpeg[^"]+)"', page)
    assert len(pictures) == len(set(pictures)) > 10


def test_points_of_the_maps_are_the_test_scans(page: str) -> None:
    found = re.search(r'<script type="application/json" id="points">(.*?)</script>', page)
    assert found is not None
    points = json.loads(found[1])
    assert len(points) == 24  # 8 subjects with 3 scans
    assert all(point["p"] and point["u"].startswith("patient") for point in points)


def test_maps_lie_over_a_few_scans_with_what_they_can_tell_and_what_not(page: str) -> None:
    section = page.partition('<section id="saliency">')[2].partition("</section>")[0]
    assert len(re.findall(r'<img src="data:image/jpeg;base64,', section)) == 3
    for said in ("It can tell", "It cannot tell", "of the image", "With the map of random weights they correlate"):
        assert said in section
    assert len(section) < 60_000


def test_without_a_checkpoint_it_says_why_there_is_no_map(finished: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(finished, tmp_path / "results"))
    for path in folder.glob("runs/*/saliency.json"):
        path.unlink()
    assert "No map: none was kept when it ran; mlfp explain" in html.render(saved.read(folder))
    for path in folder.glob("runs/*/model.safetensors"):
        path.unlink()
    assert "No map: no checkpoint of a single model is at hand" in html.render(saved.read(folder))


def test_redacted_no_picture_no_id_and_no_path_is_left(finished: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(finished, tmp_path / "results"))
    result = saved.read(folder)
    result = replace(result, data={**result.data, "failed": ["patient07-visit1.png"]})
    text = html.render(result, redact=True)
    Structure(text)
    for secret in (
        "patient",
        "visit0",
        "visit1",
        "hospital",
        ".png",
        "data:image",
        str(finished.parent),
        "<image",
        "<img",
    ):
        assert secret not in text
    assert "subject 1" in text
    assert f"{result.rows[0].metrics[result.rank_by].value:.3f}" in text


def test_numbers_of_redacted_subjects_are_drawn_anew(finished: Path) -> None:
    result = saved.read(finished)
    found = {re.search(r'id="points">(.*?)</script>', html.render(result, redact=True))[1] for _ in range(3)}  # type: ignore[index]
    assert len(found) > 1


def test_a_result_with_nothing_beside_it_still_makes_a_page(make_result: Make, tmp_path: Path) -> None:
    result = replace(make_result(seeds=2, failures=True, pairs=True), folder=tmp_path)
    text = html.render(result)
    Structure(text)
    for said in ("the loss is not finite", "model-only: needs model", "±0.012", "T1", "42 subjects"):
        assert said in text
    assert "No map: no checkpoint of a single model is at hand" in text
    for absent in ('id="maps"', 'id="retrieval"', 'id="learning"'):
        assert absent not in text


def test_what_a_paper_printed_stands_beside_what_came_out(make_result: Make, tmp_path: Path) -> None:
    printed = Expectation("triplet", "retrieval.map_at_r", 0.93, "Table 9")
    text = html.render(replace(make_result(), expected=(printed,), folder=tmp_path))
    for said in ("Printed in Table 9, and here", "<td>0.930</td>", "<td>-0.030</td>", "<td>yes</td>"):
        assert said in text


def test_a_result_without_rows_makes_a_page(make_result: Make, tmp_path: Path) -> None:
    result = replace(make_result(failures=True), rows=[], folder=tmp_path)
    text = html.render(result)
    structure = Structure(text)
    assert "the loss is not finite" in text
    assert "failures" in structure.ids
    assert 'class="ranked"' not in text


def test_the_command_writes_the_page_and_says_where(finished: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(finished, tmp_path / "results"))
    (folder / "report.html").unlink()
    shown = CliRunner().invoke(application, ["report", str(folder)])
    assert shown.exit_code == 0, shown.output
    assert str(folder / "report.html") in shown.stderr
    assert (folder / "report.html").is_file()
    shown = CliRunner().invoke(application, ["report", str(folder), "--redact"])
    assert str(folder / "report-redacted.html") in shown.stderr
    assert "patient" not in (folder / "report-redacted.html").read_text(encoding="utf-8")


def test_a_strip_says_which_modality_each_scan_is(page: str) -> None:
    section = page.partition('<section id="retrieval">')[2].partition("</section>")[0]
    assert re.search(r"<small>[AB] · -?\d\.\d{3}</small>", section)
