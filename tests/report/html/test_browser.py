"""The page as a reader has it: in Chromium, with a mouse, with a keyboard, on a phone, in the dark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mlfp.report import html, saved
from tests.report.chromium import Browser, chromium, program

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(program() is None, reason="there is no Chromium: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.fixture
def page(browser: Browser, finished: Path) -> Iterator[Browser]:
    browser.resize(1280, 900)
    browser.prefer("light")
    browser.open(finished / "report.html")
    yield browser
    assert browser.complaints() == []


def _column(page: Browser, place: int) -> list[str]:
    script = f"Array.from(document.querySelectorAll('.ranked tbody tr')).map((row) => row.cells[{place}].dataset.sort)"
    return list(page.evaluate(script))


def _focused(page: Browser) -> str:
    return str(page.evaluate("`${document.activeElement.tagName} ${document.activeElement.className}`"))


def test_nothing_is_asked_of_a_network(page: Browser) -> None:
    asked = page.requests()
    assert [address for address in asked if not address.startswith(("file:", "data:"))] == []
    assert sum(address.startswith("file:") for address in asked) == 1


def test_a_heading_sorts_the_table(page: Browser) -> None:
    before = [float(value) for value in _column(page, 2)]
    assert before == sorted(before, reverse=True)
    click = "document.querySelectorAll('.ranked thead th')[2].querySelector('button').click()"
    page.evaluate(click)
    assert [float(value) for value in _column(page, 2)] == sorted(before, reverse=True)
    page.evaluate(click)
    assert [float(value) for value in _column(page, 2)] == sorted(before)
    assert page.evaluate("document.querySelectorAll('.ranked thead th')[2].getAttribute('aria-sort')") == "ascending"
    page.evaluate("document.querySelectorAll('.ranked thead th')[1].querySelector('button').focus()")
    page.press("Enter", 13)
    assert _column(page, 1) == sorted(_column(page, 1))


def test_pointing_at_a_scan_shows_its_picture_and_lights_its_subject(page: Browser) -> None:
    page.evaluate(
        "document.documentElement.style.scrollBehavior = 'auto'; document.querySelector('.map').scrollIntoView()"
    )
    at = page.evaluate("document.querySelector('.map .pt').getBoundingClientRect().toJSON()")
    x, y = at["x"] + at["width"] / 2, at["y"] + at["height"] / 2
    assert page.evaluate("document.getElementById('tip').hidden") is True
    page.point(x, y)
    assert page.evaluate("document.getElementById('tip').hidden") is False
    assert page.evaluate("document.querySelector('#tip svg').getBoundingClientRect().width") > 60
    assert "patient" in page.evaluate("document.getElementById('tip').textContent")
    assert page.evaluate("document.querySelectorAll('.subject.on').length") == page.evaluate(
        "document.querySelectorAll('.map').length"
    )
    page.point(2, 2)
    assert page.evaluate("document.getElementById('tip').hidden") is True


def test_maps_over_scans_are_drawn_and_fit_a_phone(page: Browser) -> None:
    page.resize(390, 844, mobile=True)
    images = "Array.from(document.querySelectorAll('#saliency img'))"
    assert page.evaluate(f"{images}.length") == 3
    assert page.evaluate(f"{images}.every((image) => image.complete && image.naturalWidth > 40 && image.alt)") is True
    assert page.evaluate(f"Math.max(...{images}.map((image) => image.getBoundingClientRect().right))") <= 390


def test_the_keyboard_reaches_the_table_the_maps_and_the_tabs(page: Browser) -> None:
    seen = []
    for _ in range(80):
        page.press("Tab", 9)
        seen.append(_focused(page))
        if "mapbox" in seen[-1]:
            break
    assert seen[0] == "A skip"
    assert "BUTTON theme" in seen
    assert "DIV mapbox" in seen[-1]
    page.press("ArrowRight", 39)
    first = page.evaluate("document.getElementById('tip').textContent")
    page.press("ArrowRight", 39)
    page.press("ArrowDown", 40)
    assert first
    assert page.evaluate("document.getElementById('tip').textContent") != first
    page.evaluate("document.querySelector('[role=tab]').focus()")
    page.press("ArrowRight", 39)
    assert page.evaluate("document.activeElement.getAttribute('aria-selected')") == "true"
    assert page.evaluate("document.querySelectorAll('.tabpanel:not([hidden])').length") == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(390, 844), (1280, 900)])
def test_it_fits_a_phone_and_a_desk_in_light_and_dark(page: Browser, width: int, height: int, scheme: str) -> None:
    page.resize(width, height, mobile=width < 500)
    page.prefer(scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(255, 255, 255)") == (scheme == "light")


def test_the_theme_can_be_switched(page: Browser) -> None:
    page.evaluate("document.querySelector('.theme').click()")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"


def test_on_paper_it_is_light_and_without_controls(page: Browser) -> None:
    page.prefer("dark", media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.querySelector('.bar')).display") == "none"


def test_paper_is_no_phone_strips_stand_in_one_row(page: Browser) -> None:
    page.resize(700, 1000)  # A4 with margins, in CSS pixels
    page.prefer("light", media="print")
    tops = "new Set(Array.from(document.querySelector('.found').children).map((shot) => shot.offsetTop)).size"
    assert page.evaluate(tops) == 1
    columns = "getComputedStyle(document.querySelector('.grid')).gridTemplateColumns.split(' ').length"
    assert page.evaluate(columns) == 2


def test_text_of_wide_charts_can_be_read_on_a_phone(page: Browser) -> None:
    page.resize(390, 844, mobile=True)
    page.prefer("light")
    sizes = page.evaluate(
        "Array.from(document.querySelectorAll('#curves svg.chart')).map((chart) => parseFloat(getComputedStyle("
        "chart.querySelector('text')).fontSize) * chart.getBoundingClientRect().width / chart.viewBox.baseVal.width)"
    )
    assert min(sizes) > 9


def test_redacted_it_works_as_well(browser: Browser, finished: Path, tmp_path: Path) -> None:
    path = tmp_path / "redacted.html"
    path.write_text(html.render(saved.read(finished), redact=True), encoding="utf-8")
    browser.resize(1280, 900)
    browser.open(path)
    browser.evaluate("document.querySelector('.mapbox').focus()")
    browser.press("ArrowRight", 39)
    assert browser.evaluate("document.getElementById('tip').textContent").startswith("subject ")
    assert browser.evaluate("document.querySelector('#tip svg')") is None
    assert browser.complaints() == []
