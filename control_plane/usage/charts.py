"""Charts as SVG, drawn on the server: columns of days, stacked by series. Pure.

Colours are classes of the style sheet, which knows light and dark; words and axes stand around the
drawing, in HTML, so that they keep their size on a phone. A table beside it has the same numbers.
"""

from collections.abc import Sequence
from html import escape

import msgspec
from markupsafe import Markup

_STEP, _BAR = 10, 8  # units from one column to the next, and of a column
_HEIGHT = 100  # units
_NICE = (1, 2, 5, 10)


class Series(msgspec.Struct, frozen=True):
    name: str
    values: list[int]  # one for each column

    @property
    def total(self) -> int:
        return sum(self.values)


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    name: str  # an id of HTML's
    title: str
    columns: list[str]  # what each is of, such as a day
    series: list[Series]  # from the bottom up

    @property
    def total(self) -> int:
        return sum(each.total for each in self.series)

    @property
    def top(self) -> int:
        """The number at the top of the drawing: the highest column's, rounded up."""
        return _nice(max((sum(each) for each in self._heights()), default=0))

    @property
    def svg(self) -> Markup:
        width, top = _STEP * len(self.columns), self.top
        shown = ", ".join(f"{each.name} {each.total:,}" for each in self.series)
        return Markup(  # noqa: S704 - numbers, and text that is escaped here
            f'<svg role="img" aria-labelledby="{self.name}-title {self.name}-desc"'
            f' viewBox="0 0 {width} {_HEIGHT}" preserveAspectRatio="none">'
            f'<title id="{self.name}-title">{escape(self.title)}</title>'
            f'<desc id="{self.name}-desc">{escape(shown or "nothing")}</desc>'
            f"{''.join(self._column(number, top) for number in range(len(self.columns)))}</svg>"
        )

    def rows(self) -> list[tuple[str, list[int]]]:
        """Give the same as a table: each column's name with the numbers of the series."""
        return list(zip(self.columns, self._heights(), strict=True))

    def _heights(self) -> list[list[int]]:
        return [[each.values[n] for each in self.series] for n in range(len(self.columns))]

    def _column(self, number: int, top: int) -> str:
        drawn, bottom = "", float(_HEIGHT)
        for place, series in enumerate(self.series, start=1):
            height = series.values[number] / top * _HEIGHT
            bottom -= height
            if height:
                drawn += (
                    f'<rect class="series-{place}" x="{number * _STEP + 1}" y="{bottom:.2f}"'
                    f' width="{_BAR}" height="{height:.2f}"><title>{self.columns[number]},'
                    f" {escape(series.name)}: {series.values[number]:,}</title></rect>"
                )
        return drawn


def stacked(named: Sequence[tuple[str, dict[str, int]]], columns: Sequence[str]) -> list[Series]:
    """Make series of counts by column; one that is not counted is 0."""
    return [Series(name, [counts.get(each, 0) for each in columns]) for name, counts in named]


def _nice(highest: int) -> int:
    """Round up to 1, 2 or 5 and zeros."""
    magnitude = 10 ** (len(str(highest)) - 1)
    return next(each * magnitude for each in _NICE if each * magnitude >= highest) or 1
