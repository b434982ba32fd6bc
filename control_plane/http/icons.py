"""The few icons in use, from Lucide (ISC licence): inlined, so that no page waits for them."""

from functools import cache

from markupsafe import Markup

from web import ROOT


@cache
def icon(name: str) -> Markup:
    """Give the icon as SVG, hidden from screen readers: the words beside it say what it is."""
    svg = (ROOT / "icons" / f"{name}.svg").read_text()
    drawing = svg[svg.index("<svg") :].replace("<svg", '<svg aria-hidden="true"', 1)
    return Markup(drawing)  # noqa: S704 - our own file
