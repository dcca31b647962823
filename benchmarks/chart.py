"""Draw the chart of README.md as SVG: readable on light and dark pages, and by screen readers."""

import math
from html import escape

_WIDTH, _LEFT, _RIGHT, _BAR, _GAP, _TOP = 720, 210, 46, 11, 10, 58
_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.small { font-size: 11px }
.axis { stroke: #1f2328; stroke-dasharray: 4 3 }
.bar0 { fill: #0969da }
.bar1 { fill: #8250df }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .axis { stroke: #e6edf3 }
  .bar0 { fill: #4493f8 }
  .bar1 { fill: #ab7df8 }
}
"""


def draw(ratios: dict[str, dict[str, float]]) -> str:
    """Return a bar for each case and Python; a line stands at 1, the time of Falcon."""
    pythons = sorted({python for row in ratios.values() for python in row}, key=_minor)
    largest = max(ratio for row in ratios.values() for ratio in row.values())
    end = max(1.5, math.ceil(largest * 2) / 2)
    scale = (_WIDTH - _LEFT - _RIGHT) / end
    one = _LEFT + scale
    step = len(pythons) * _BAR + _GAP
    height = _TOP + step * len(ratios) + 6
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        f'width="{_WIDTH}" height="{height}" role="img" aria-labelledby="title description">',
        '<title id="title">Time of a request relative to Falcon</title>',
        f'<desc id="description">{escape(_describe(ratios))}</desc>',
        f"<style>{_STYLE}</style>",
        '<text x="0" y="16">Time of a request relative to Falcon. Shorter is faster.</text>',
        _legend(pythons),
        f'<text class="small" x="{one:.0f}" y="{_TOP - 8}" text-anchor="middle">Falcon</text>',
    ]
    for row, (case, found) in enumerate(ratios.items()):
        top = _TOP + row * step
        middle = top + len(pythons) * _BAR / 2 + 4
        parts.append(
            f'<text x="{_LEFT - 10}" y="{middle:.0f}" text-anchor="end">{escape(case)}</text>'
        )
        for number, python in enumerate(pythons):
            if python in found:
                y, width = top + number * _BAR, found[python] * scale
                parts.append(
                    f'<rect class="bar{number % 2}" x="{_LEFT}" y="{y}" width="{width:.1f}" '
                    f'height="{_BAR - 1}"/><text class="small" x="{_WIDTH - 4}" text-anchor="end" '
                    f'y="{y + 9}">{found[python]:.2f}</text>'
                )
    parts.append(
        f'<line class="axis" x1="{one:.1f}" y1="{_TOP - 4}" x2="{one:.1f}" y2="{height - 4}"/>'
    )
    return "\n".join([*parts, "</svg>\n"])


def _legend(pythons: list[str]) -> str:
    return "".join(
        f'<rect class="bar{number % 2}" x="{number * 130}" y="26" width="11" height="11"/>'
        f'<text class="small" x="{number * 130 + 16}" y="36">CPython {python}</text>'
        for number, python in enumerate(pythons)
    )


def _describe(ratios: dict[str, dict[str, float]]) -> str:
    rows = (
        f"{case}: {', '.join(f'{ratio:.2f} on Python {name}' for name, ratio in found.items())}"
        for case, found in ratios.items()
    )
    return "Below 1 the framework is faster than Falcon. " + "; ".join(rows) + "."


def _minor(python: str) -> int:
    return int(python.split(".")[1])
