"""The page: what is known of a comparison, section by section, through one template."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib import metadata, resources
from typing import Any

import jinja2
from markupsafe import Markup, escape

from mlfp.bench.results import BenchResult, Row
from mlfp.report import cautions, cells, differences, panels, printed, protocol
from mlfp.report.html import figures, looks, maps, overview, strips
from mlfp.report.html.glossary import meanings
from mlfp.report.html.kept import Kept, Picture
from mlfp.report.html.veil import Veil
from mlfp.report.svg.element import DASH

_TEMPLATES = resources.files("mlfp.report.html").joinpath("templates")
#: Methods whose maps are drawn: those that learnt nothing, then the best.
_MOST_MAPS = 4


@dataclass
class Page:
    """What the template is given.

    :param pictures: those that the page shows, each once.
    :param scans: for the maps: what is told of each point.
    """

    result: BenchResult
    kept: Kept
    veil: Veil
    pictures: dict[str, Picture] = field(default_factory=dict)
    scans: list[dict[str, Any]] = field(default_factory=list)

    @property
    def facts(self) -> list[tuple[str, str]]:
        """The numbers below the title."""
        data = self.result.data
        test = data.get("test", {})
        seeds = max((row.seeds for row in self.result.rows), default=0)
        return [
            (str(len(self.result.rows)), "methods" if len(self.result.rows) != 1 else "method"),
            (str(test.get("subjects", DASH)), "subjects tested"),
            (str(test.get("scans", DASH)), "scans tested"),
            (str(seeds), "seeds" if seeds != 1 else "seed"),
            (cells.seconds(sum(row.seconds * row.seeds for row in self.result.rows)), "of computing"),
        ]

    @property
    def maps(self) -> list[maps.Map]:
        """Maps of the methods without training, then of the best trained ones."""
        rows = [row for row in self.result.rows if self.kept.fingerprints(row.label)]
        rows.sort(key=lambda row: row.kind == "trained")
        found = []
        for row in rows[:_MOST_MAPS]:
            kept = self.kept.fingerprints(row.label)
            if kept is not None and len(kept[0].table) >= maps.FEWEST:
                found.append(maps.draw(row.label, *kept))
                self.scans = self.scans or [self._point(line) for line in kept[0].table]
        return found

    def _point(self, line: dict[str, Any]) -> dict[str, Any]:
        subject, scan = str(line["subject"]), str(line["scan"])
        about = {"modality": "", "session": "session ", "view": ""}
        told = [f"{before}{line[name]}" for name, before in about.items() if line.get(name) and not self.veil.redact]
        picture = self._test_picture(scan)
        return {"u": self.veil.subject(subject), "s": self.veil.scan(scan), "t": " · ".join(told), "p": picture}

    def _test_picture(self, scan: str) -> str | None:
        if self.veil.redact:
            return None
        found = next((item for (_, name), item in self.kept.pictures.items() if name == scan), None)
        return self.use(found)

    def use(self, picture: Picture | None) -> str | None:
        """Put a picture into the page; gives the name to show it by."""
        if picture is None:
            return None
        self.pictures[picture.name] = picture
        return picture.name

    @property
    def evaluation(self) -> str:
        """The evaluation whose neighbours are shown: that of the ranking, else the first that kept any."""
        wanted = self.result.rank_by.partition(".")[0]
        names = dict.fromkeys(name.partition(".")[0] for row in self.result.rows for name in row.metrics)
        for name in dict.fromkeys([wanted, *names]):
            if any(len(self.kept.neighbours(row.label, name)) for row in self.result.rows):
                return name
        return wanted

    @property
    def strips(self) -> list[tuple[Row, list[strips.Strip], tuple[int, int]]]:
        """Of each method its worst queries, and how many went wrong of how many."""
        name = self.evaluation
        found = [(row, strips.strips(self.kept, self.veil, row.label, name)) for row in self.result.rows]
        return [(row, shown, strips.errors(self.kept, row.label, name)) for row, shown in found if shown]


def render(result: BenchResult, *, redact: bool = False) -> str:
    """The whole page.

    :param result: with the folder that it lies in: what a page shows besides numbers is read from there.
    :param redact: leave out pictures, and the names of scans, subjects and files.
    """
    veil, kept = Veil(redact=redact), Kept(result)
    _meet(veil, kept, result)
    page = Page(result, kept, veil)
    names = cells.metrics(result) or [result.rank_by]
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_template), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.globals |= {"swatch": overview.swatch, "between": panels.between}
    environment.globals["rates_fine_print"] = differences.rates_fine_print
    context: dict[str, Any] = {
        "page": page, "result": result, "veil": veil, "redact": redact, "version": metadata.version("mlfp"),
        "style": Markup(_template("style.css")), "script": Markup(_template("script.js")),
        "names": names, "lines": overview.table(result, names), "outcome": overview.outcome(result),
        "cautions": [_coded(veil.text(line)) for line in cautions.cautions(result)],
        "tests": overview.tests(result), "said": " ".join(differences.summary(result)),
        "rates": differences.rates(result),
        "baseline": differences.baseline(result, result.rank_by) if result.comparisons else "",
        "subject": [veil.text(line) for line in (*cells.subject(result), *protocol.sentence(result))],
        "searched": (protocol.HEADER, protocol.body(result)),
        "printed": (printed.title(result), printed.HEADER, list(printed.body(result))),
        "failures": [veil.text(line) for line in cells.failures(result)],
        "notes": [veil.text(line) for line in cells.notes(result)],
        "metrics": figures.metric_figures(result), "pairs": figures.pair_figures(result),
        "curves": figures.curve_galleries(result), "histograms": figures.histogram_figures(result),
        "matrices": figures.matrix_galleries(result), "panels": panels.glances(result),
        "learning": figures.learning_figures(result, kept), "maps": page.maps, "strips": page.strips,
        "looks": looks.looks(result, kept, veil),
        "styles": {row.label: place for row, place in zip(result.rows, _numbers(result), strict=True)},
        "meanings": meanings(name for row in result.rows for name in row.metrics),
        "environment": kept.environment, "command": veil.text(kept.text("command.txt").strip()),
        "configuration": veil.text(kept.text("bench.yaml")) if not redact else "",
        "sides": _sides(result),
    }  # fmt: skip
    context["drawer"] = _shown_pictures(page, context["strips"])
    context["points"] = Markup(json.dumps(page.scans, separators=(",", ":")).replace("<", "\\u003c"))
    return environment.get_template("report.html.j2").render(context)


def _shown_pictures(page: Page, shown: Iterable[Any]) -> list[Picture]:
    """All pictures that the page shows, each once."""
    for _, found, _ in shown:
        for strip in found:
            for item in (strip.query, *strip.found):
                page.use(item.picture)
            page.use(strip.missed.picture if strip.missed else None)
    return list(page.pictures.values())


def _coded(line: str) -> Markup:
    """What stands between backticks, as code."""
    parts = escape(line).split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if odd % 2 else part for odd, part in enumerate(parts)
    )


def _numbers(result: BenchResult) -> list[int]:
    numbers = overview.styles(result.rows)
    return [numbers[row.label] for row in result.rows]


def _meet(veil: Veil, kept: Kept, result: BenchResult) -> None:
    """Let a redacting veil know all names before any text is shown."""
    if not veil.redact:
        return
    for row in result.rows:
        found = kept.fingerprints(row.label)
        if found is not None:
            veil.meet("subject", found[0].table.subjects)
            veil.meet("scan", found[0].table.scans)
    veil.meet("scan", result.data.get("failed", ()))


def _sides(result: BenchResult) -> list[tuple[str, int, int]]:
    words = {"train": "to train on", "val": "to choose weights on", "test": "to measure on"}
    return [
        (said, result.data[name]["subjects"], result.data[name]["scans"])
        for name, said in words.items()
        if name in result.data
    ]


def _template(name: str) -> str:
    return _TEMPLATES.joinpath(name).read_text(encoding="utf-8")
