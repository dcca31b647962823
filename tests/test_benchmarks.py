"""The benchmarks: every application does the same work, and what is published is what was measured."""

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from benchmarks import __main__, cases, growth, memory, report, startup
from benchmarks.applications import PEERS, make_cases, make_middleware, make_readme
from benchmarks.cases import check, make_environ
from benchmarks.rounds import compare

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("name", PEERS)
def test_every_application_gives_the_right_responses(name: str) -> None:
    made = [
        (make_readme(name, same_json=False), cases.README),
        (make_readme(name, same_json=True), cases.README),
        (make_cases(name, 5), cases.CASES),
        (make_middleware(name, 5), [cases.MIDDLEWARE]),
    ]
    for application, kinds in made:
        for case in kinds:
            for number in (1, 2):
                check(application, case, number)
        if hasattr(application, "close"):
            application.close()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"status": 201}, "static path: status 200, not 201"),
        ({"headers": {"x-a": "b"}}, "x-a: None, not 'b'"),
        ({"body": lambda number: {"status": "bad"}}, 'body \'{"status": "ok"}\', not'),
        ({"body": lambda number: "text"}, "not 'text'"),
    ],
)
def test_a_wrong_response_is_refused(change: dict[str, Any], message: str) -> None:
    case = replace(cases.CASES[0], **change)
    with pytest.raises(RuntimeError) as caught:
        check(make_cases("bare WSGI", 0), case)
    assert message in str(caught.value)


def test_applications_take_turns_with_requests_of_their_own() -> None:
    calls: list[tuple[str, str]] = []
    closed: list[str] = []

    class Body:
        def __init__(self, name: str) -> None:
            self.name = name

        def __iter__(self) -> Iterator[bytes]:
            return iter([b"x"])

        def close(self) -> None:
            closed.append(self.name)

    def make(name: str) -> Any:
        def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            start_response("200 OK", [])
            calls.append((name, environ["PATH_INFO"]))
            sum(range(10_000))
            return Body(name)

        return application, lambda number: make_environ(f"/{number}")

    timings = compare({name: make(name) for name in "abc"}, "a", rounds=4, requests=2)
    assert "".join(name for name, _ in calls)[::2] == "cbabcabacabc"
    assert len({path for _, path in calls}) == len(calls) == len(closed) == 24
    assert (timings["a"].ratio, timings["a"].low, timings["a"].high) == (1, 1, 1)
    assert timings["b"].low <= timings["b"].ratio <= timings["b"].high


@pytest.mark.parametrize("kind", growth.KINDS)
@pytest.mark.parametrize("name", growth.GROWN)
def test_every_application_finds_its_route_among_others(name: str, kind: str) -> None:
    assert growth.compare_sizes(name, kind, 20, rounds=2).ratio > 0


def test_a_site_that_does_not_start_in_time_is_reported() -> None:
    found = growth.measure([20], rounds=2, limit=0.001)
    assert set(found) == set(growth.KINDS)
    assert found["static"]["framework"] == {20: "over 0 s"}


def test_starts_and_memory_are_measured() -> None:
    start = startup.measure_site(20, rounds=2)
    assert all(low <= median <= high for median, low, high in start.values())
    whole, module = startup.measure_memory(20).values()
    assert whole > module > 0


def test_the_memory_of_mixed_requests_is_measured() -> None:
    (found,) = memory.measure(50)
    assert found[0] == 50
    assert found[1] > 1


def test_a_run_changes_its_own_part_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(report.STORE, tmp_path / "results")
    shutil.copy(report.README, tmp_path / "README.md")
    monkeypatch.setattr(report, "STORE", tmp_path / "results")
    for name, file in ("RESULTS", "RESULTS.md"), ("CHART", "chart.svg"), ("README", "README.md"):
        monkeypatch.setattr(report, name, tmp_path / file)
    before = report.load()
    measured = before["3.13"]["parts"]["counts"]
    monkeypatch.setattr(__main__, "parts", lambda quick: {"counts": lambda: measured})
    monkeypatch.setattr(__main__, "version", lambda name: "1.0")  # not all peers are installed
    monkeypatch.setattr(__main__.platform, "python_version_tuple", lambda: ("3", "11", "0"))
    __main__.main(["counts", "--quick"])
    after = report.load()
    assert after["3.11"]["parts"] == before["3.11"]["parts"] | {"counts": measured}
    assert "quick" in after["3.11"]["about"]["mode"]
    assert after["3.13"] == before["3.13"]
    assert report.RESULTS.read_text(encoding="utf-8") == report.render_results(after)


def test_what_is_published_is_what_was_measured() -> None:
    runs = report.load()
    assert list(runs) == ["3.11", "3.13"]
    assert report.RESULTS.read_text(encoding="utf-8") == report.render_results(runs)
    assert report.CHART.read_text(encoding="utf-8") == report.render_chart(runs)
    readme = report.README.read_text(encoding="utf-8")
    assert report.render_readme(runs, readme) == readme
    timings = [runs["3.11"]["parts"][group] for group in ("documented", "same JSON")]
    ratios = [found["JSON echo: `api/echo.py`"]["framework"]["ratio"] for found in timings]
    assert "{:.2f} / {:.2f}".format(*ratios) in readme


def test_the_chart_is_readable_for_everybody() -> None:
    text = report.CHART.read_text(encoding="utf-8")
    root = ElementTree.fromstring(text)
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "title description"
    assert [root.find(f"{SVG}{name}").get("id") for name in ("title", "desc")] == [
        "title",
        "description",
    ]
    assert "prefers-color-scheme: dark" in text
    assert "url(" not in text
    assert "@import" not in text
    assert all(" & " not in (node.text or "") for node in root.iter(f"{SVG}text"))
