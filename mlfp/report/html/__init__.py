"""``report.html``: a comparison as one page that needs nothing beside it."""

from __future__ import annotations

from mlfp.report.html.page import render

__all__ = ["render"]
