"""Write the results of all Pythons to RESULTS.md, README.md and the chart.

    python -m benchmarks.report

A run stores its results in results/<Python>.json; everything else is written from these files.
"""

import json
import re
from pathlib import Path
from typing import Any

from benchmarks.applications import BARE, OURS, PEERS
from benchmarks.chart import draw

HERE = Path(__file__).resolve().parent
STORE = HERE / "results"
RESULTS, CHART, README = HERE / "RESULTS.md", HERE / "chart.svg", HERE.parent / "README.md"
_BLOCK = re.compile(r"(?<=<!-- benchmarks -->\n).*?(?=<!-- /benchmarks -->)", re.DOTALL)
_GROUPS = {
    "documented": ("The examples of README.md, as documented", "example"),
    "same JSON": ("The same examples, with `json.dumps` everywhere", "example"),
    "cases": ("One part after the other, with `json.dumps` everywhere", "request"),
}
_COLUMNS = [BARE, OURS, *(name for name in PEERS if name not in (BARE, OURS))]

Run = dict[str, Any]
Runs = dict[str, Run]


def load() -> Runs:
    """Return the stored runs by Python, the oldest Python first."""
    files = sorted(STORE.glob("*.json"), key=lambda path: int(path.stem.split(".")[1]))
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in files}


def write() -> None:
    """Write everything that is made from the stored runs."""
    runs = load()
    RESULTS.write_text(render_results(runs), encoding="utf-8")
    CHART.write_text(render_chart(runs), encoding="utf-8")
    README.write_text(render_readme(runs, README.read_text(encoding="utf-8")), encoding="utf-8")


def render_readme(runs: Runs, text: str) -> str:
    """Return README.md with the ratios of the oldest Python between its two comments."""
    python, run = next(iter(runs.items()))
    documented, same = (run["parts"][group] for group in ("documented", "same JSON"))
    rows = [
        [
            case,
            *(
                f"{documented[case][name]['ratio']:.2f} / {same[case][name]['ratio']:.2f}"
                for name in _COLUMNS
            ),
        ]
        for case in documented
    ]
    head = f"CPython {python}, as documented / same JSON"
    return _BLOCK.sub(lambda found: table([head, *_COLUMNS], rows), text)


def render_chart(runs: Runs) -> str:
    """Return a chart of the time of the framework relative to Falcon, by case and Python."""
    ratios: dict[str, dict[str, float]] = {}
    for python, run in runs.items():
        for case, timings in run["parts"]["cases"].items():
            ratios.setdefault(case.replace("`", ""), {})[python] = timings["framework"]["ratio"]
    return draw(ratios)


def render_results(runs: Runs) -> str:
    """Return the text of RESULTS.md."""
    sections = [
        "# Results\n\n`make bench` writes this file. [How to read it](README.md).\n",
        _render_runs(runs),
        "## The framework relative to Falcon\n\nThe time of a request, and the quartiles of the"
        " rounds. Below 1 the framework is faster.\n",
        _render_summary(runs),
    ]
    for group, (title, column) in _GROUPS.items():
        sections.append(
            f"## {title}\n\nMicroseconds of a request, and the time relative to Falcon.\n"
        )
        for python, run in runs.items():
            if group in run["parts"]:
                sections.append(_render_timings(f"{column}, {python}", run["parts"][group]))
    for part, (title, render) in _OTHERS.items():
        tables = [
            render(python, run["parts"][part])
            for python, run in runs.items()
            if part in run["parts"]
        ]
        if tables:
            sections += [f"## {title}\n", *tables]
    return "\n".join(sections)


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _render_runs(runs: Runs) -> str:
    names = list(dict.fromkeys(name for run in runs.values() for name in run["about"]))
    rows = [[name, *(str(run["about"].get(name, "")) for run in runs.values())] for name in names]
    return table(["", *(f"Python {python}" for python in runs)], rows)


def _render_summary(runs: Runs) -> str:
    rows: dict[str, dict[str, str]] = {}
    for python, run in runs.items():
        for group in _GROUPS:
            for case, timings in run["parts"].get(group, {}).items():
                label = case if group == "cases" else f"{case}, {group}"
                rows.setdefault(label, {})[python] = _ratio(timings["framework"])
    cells = [[label, *(row.get(python, "") for python in runs)] for label, row in rows.items()]
    return table(["request", *runs], cells)


def _render_timings(title: str, part: dict[str, dict[str, Any]]) -> str:
    rows = [
        [case, *(f"{found[name]['microseconds']:.1f} · {_ratio(found[name])}" for name in _COLUMNS)]
        for case, found in part.items()
    ]
    return table([title, *_COLUMNS], rows)


def _ratio(timing: dict[str, float]) -> str:
    if timing["low"] == timing["high"] == 1:
        return "1"
    return f"{timing['ratio']:.2f} ({timing['low']:.2f}-{timing['high']:.2f})"


def _render_growth(python: str, part: dict[str, Any]) -> str:
    return _render_pairs(f"routes, {python}", part, lambda size: f"{int(size):,}", _growth)


def _growth(timing: Any) -> str:
    return timing if isinstance(timing, str) else _ratio(timing)


def _render_startup(python: str, part: dict[str, Any]) -> str:
    rows = [[name, *(f"{value:.3g}" for value in values)] for name, values in part.items()]
    return table([f"CPU time, {python}", "median", "lower quartile", "upper quartile"], rows)


def _render_memory(python: str, part: dict[str, float]) -> str:
    return table([f"memory, {python}", ""], [[name, f"{one:.1f}"] for name, one in part.items()])


def _render_counts(python: str, part: dict[str, Any]) -> str:
    return _render_pairs(f"request, {python}", part, str, "{:,}".format)


def _render_pairs(title: str, part: dict[str, Any], head: Any, cell: Any) -> str:
    """Return a table with a row for each case and application."""
    columns = list(next(iter(next(iter(part.values())).values())))
    rows = [
        [case, name, *(cell(found[column]) for column in columns)]
        for case, of_case in part.items()
        for name, found in of_case.items()
    ]
    return table([title, "", *map(head, columns)], rows)


def _render_text(python: str, part: str) -> str:
    return f"Python {python}:\n\n{part}"


_OTHERS: dict[str, tuple[str, Any]] = {
    "growth": ("More routes: the time of a request relative to 10 routes", _render_growth),
    "start-up": ("The start of a site", _render_startup),
    "imports": ("Imports: ms of CPU of a whole process", _render_startup),
    "route memory": ("Memory of routes", _render_memory),
    "memory": ("Memory of a worker after mixed requests", _render_text),
    "counts": ("Counted, not timed", _render_counts),
    "served": ("Served", _render_text),
    "builds": ("Builds", _render_text),
}

if __name__ == "__main__":
    write()
