"""Take the pictures of a report that the documentation shows, in Chromium.

mlfp bench && python docs/pictures.py results/quick
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# The browser is the one that the report is tested in; the tests are no package that is installed.
sys.path.insert(0, str(ROOT / "tests" / "report"))

from chromium import chromium  # noqa: E402

IMAGES = ROOT / "docs" / "images"
#: File, and the element that its picture begins with.
PICTURES = {"report.png": "body", "report-maps.png": "#maps"}
WIDTH, HEIGHT = 1180, 880


def main() -> None:
    """Take them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, help="the folder of a finished comparison")
    page = parser.parse_args().results / "report.html"
    with tempfile.TemporaryDirectory() as profile, chromium(Path(profile)) as browser:
        browser.resize(WIDTH, HEIGHT)
        browser.prefer("light")
        browser.open(page)
        browser.evaluate("document.documentElement.style.scrollBehavior = 'auto'")
        for name, first in PICTURES.items():
            browser.evaluate(f"document.querySelector({first!r}).scrollIntoView()")
            browser.screenshot(IMAGES / name)


if __name__ == "__main__":
    main()
