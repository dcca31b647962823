"""Compare the framework with other frameworks, and write RESULTS.md, the chart and README.md.

    python -m benchmarks [PART ...] [--quick]

Without parts it measures all of them. The results of other Pythons, and of other parts, stay.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from msgspec import to_builtins

from benchmarks import counts, growth, in_process, report, startup
from benchmarks.peers import falcon

_ROOT = Path(__file__).resolve().parent.parent
_PACKAGES = [
    "falcon",
    "bottle",
    "Flask",
    "Werkzeug",
    "msgspec",
    "gunicorn",
    "granian",
    "Frozen-Flask",
]


def parts(quick: bool) -> dict[str, Callable[[], Any]]:
    """Return the measurements by name."""
    rounds, starts = (5, 2) if quick else (41, 9)
    sizes, routes = ([100, 1000], 100) if quick else ([100, 1000, 10_000], 1000)
    requests = 20_000 if quick else 1_000_000
    return {
        "documented": lambda: in_process.measure_readme(rounds, same_json=False),
        "same JSON": lambda: in_process.measure_readme(rounds, same_json=True),
        "cases": lambda: in_process.measure_cases(rounds),
        "counts": counts.measure,
        "growth": lambda: growth.measure(sizes, 3 if quick else 15, limit=30),
        "start-up": lambda: startup.measure_site(routes, starts),
        "route memory": lambda: startup.measure_memory(routes),
        "imports": lambda: startup.measure_imports(starts),
        "memory": lambda: _run_module("benchmarks.memory", f"--requests={requests}"),
        "served": lambda: _run_module("benchmarks.served"),
        "builds": lambda: _run_module("benchmarks.build", *_build_options(quick)),
    }


def _build_options(quick: bool) -> list[str]:
    options = ["--sizes", "1000", "--skip-astro"] if quick else ["--rounds=3", "--sizes", "10000"]
    memory = Path("/dev/shm/framework-benchmark")
    return [*options, f"--folder={memory}"] if memory.parent.is_dir() else options


def _run_module(name: str, *arguments: str) -> str:
    """Return the tables that a module prints, or why there are none."""
    command = [sys.executable, "-m", name, *arguments]
    done = subprocess.run(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True)
    return done.stdout if done.returncode == 0 else "Not measured: the benchmark failed.\n"


def _describe_run(mode: str) -> dict[str, str]:
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return {
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "commit": _commit(),
        "mode": mode,
        "processor": f"{_processor()}, {os.cpu_count()} cores, {pages * size / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.machine()}",
        "Falcon's build": falcon.describe(),
        **{name: version(name) for name in _PACKAGES},
    }


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or "unknown"
    names = [line.partition(":")[2].strip() for line in text.splitlines() if "model name" in line]
    return names[0] if names else platform.machine()


def _commit() -> str:
    """Return the last commit of the framework, not that of its documentation or results."""
    commit = _git("log", "-1", "--format=%h", "--", "framework") or "unknown"
    return f"{commit} with changes" if _git("status", "--porcelain", "framework") else commit


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    return subprocess.run(command, cwd=_ROOT, capture_output=True, text=True).stdout.strip()


def _round_floats(value: Any) -> Any:
    """Round, so that a file of results is short."""
    match value:
        case float():
            return float(f"{value:.4g}")
        case dict():
            return {key: _round_floats(one) for key, one in value.items()}
        case list():
            return [_round_floats(one) for one in value]
    return value


def main(arguments: list[str] | None = None) -> None:
    """Measure, store and write."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(parts(quick=True)))
    parser.add_argument("--quick", action="store_true", help="few rounds; for a first look")
    options = parser.parse_args(arguments)
    measurements = parts(options.quick)
    if unknown := {*options.parts} - {*measurements}:
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    python = ".".join(platform.python_version_tuple()[:2])
    path = report.STORE / f"{python}.json"
    run = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"parts": {}}
    report.STORE.mkdir(exist_ok=True)
    run["about"] = _describe_run("quick: for a first look only" if options.quick else "full")
    for name in options.parts or measurements:
        begun = time.perf_counter()
        print(f"Python {python}: {name} ...", end=" ", file=sys.stderr, flush=True)
        run["parts"][name] = _round_floats(to_builtins(measurements[name](), str_keys=True))
        text = json.dumps(run, indent=1, ensure_ascii=False)
        path.write_text(f"{text}\n", encoding="utf-8")
        print(f"{time.perf_counter() - begun:.0f} s", file=sys.stderr, flush=True)
    report.write()
    print(report.render_results({python: run}))


if __name__ == "__main__":
    main()
