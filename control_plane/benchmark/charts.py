"""The charts: SVG written by hand, for the site; the table has the same figures for everyone.

The colours follow the reader's light or dark scheme; nothing is told by colour alone.
"""

from collections.abc import Sequence
from html import escape

import msgspec

from control_plane.benchmark.results import Results

_WIDTH = 640
_LABEL = 210  # where bars begin
_LONGEST = 330  # of a bar
_ROW, _BAR = 26, 16
_TOP, _BOTTOM = 58, 30
_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1c2128 }
.title { font-size: 16px; font-weight: 600 }
.quiet { fill: #57606a; font-size: 12px }
.ours { fill: #0b6e4f }
.theirs { fill: #8c959f }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .quiet { fill: #9da7b3 }
  .ours { fill: #3fb98c }
  .theirs { fill: #6e7781 }
}
"""


class Bar(msgspec.Struct, frozen=True):
    label: str
    length: float
    shown: str
    ours: bool


def charts_of(results: Results) -> dict[str, str]:
    """Give each chart by its file's name."""
    found = {
        "limit.svg": _chart("Ours beside one core's limit", "a second", _limit(results), results),
        "latency.svg": _chart(
            "Latency at 1,000 tokens a second", "milliseconds", _latency(results), results
        ),
    }
    algorithms = {name for each in results.peers for name in each.algorithms}
    for algorithm in sorted(algorithms):
        bars = _peers(results, algorithm)
        title = f"Tokens a second on one core, {algorithm}"
        found[f"tokens-{algorithm.lower()}.svg"] = _chart(title, "a second", bars, results)
    return found


def _peers(results: Results, algorithm: str) -> list[Bar]:
    """Ours first, recording each token; then the others, the fastest first."""
    ours = results.ours.tokens[algorithm].rate
    bars = [
        Bar(each.name, pair.theirs.rate, f"{pair.theirs.rate:,.0f}", ours=False)
        for each in results.peers
        if (pair := each.algorithms.get(algorithm))
    ]
    others = sorted(bars, key=lambda each: -each.length)
    return [Bar("auth-service, each recorded", ours, f"{ours:,.0f}", ours=True), *others]


def _limit(results: Results) -> list[Bar]:
    bars = []
    for algorithm, bare in results.limit.signatures.items():
        rate = results.ours.tokens[algorithm].rate
        bars += [
            Bar(f"{algorithm} tokens", rate, f"{rate:,.0f}", ours=True),
            Bar(f"{algorithm} bare signatures", bare, f"{bare:,.0f}", ours=False),
        ]
    return bars


def _latency(results: Results) -> list[Bar]:
    paced = results.ours.others["tokens ES256, 1,000 a second"]
    found = {"p50": paced.p50, "p95": paced.p95, "p99": paced.p99}
    return [Bar(name, each, f"{each:.2f}", ours=True) for name, each in found.items()]


def _chart(title: str, unit: str, bars: Sequence[Bar], results: Results) -> str:
    height = _TOP + _ROW * len(bars) + _BOTTOM
    longest = max(each.length for each in bars) or 1.0
    told = f"{title}: " + ", ".join(f"{each.label} {each.shown}" for each in bars)
    rows = "".join(_row(number, each, longest) for number, each in enumerate(bars))
    machine = results.machine
    source = f"make bench, {machine.cpu}, {machine.cores} cores"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{escape(told)}"'
        f' viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}">\n'
        f"<style>{_STYLE}</style>\n"
        f'<text class="title" x="10" y="24">{escape(title)}</text>\n'
        f'<text class="quiet" x="10" y="44">{escape(unit)}</text>\n'
        f"{rows}"
        f'<text class="quiet" x="10" y="{height - 10}">{escape(source)}</text>\n'
        "</svg>\n"
    )


def _row(number: int, bar: Bar, longest: float) -> str:
    top = _TOP + number * _ROW
    width = max(1.0, bar.length / longest * _LONGEST)
    kind = "ours" if bar.ours else "theirs"
    line = top + _BAR - 4
    return (
        f'<text x="10" y="{line}">{escape(bar.label)}</text>\n'
        f'<rect class="{kind}" x="{_LABEL}" y="{top}" width="{width:.1f}" height="{_BAR}"/>\n'
        f'<text x="{_LABEL + width + 8:.1f}" y="{line}">{escape(bar.shown)}</text>\n'
    )
