"""Measure starts: of a site with 1,000 routes, of an import, of the command; and memory."""

import os
import resource
import subprocess
import sys
from pathlib import Path

from benchmarks.peers.ours import write_pages
from benchmarks.rounds import summarize

_ROOT = Path(__file__).resolve().parent.parent
_BEGIN = """
import importlib, json, sys, time, tracemalloc
from pathlib import Path
from framework import App  # with json, what the modules of the site import

source = Path(sys.argv[1], "src")
paths = [path.relative_to(source) for path in source.rglob("*.py")]
names = [".".join(path.with_suffix("").parts) for path in paths]
sys.path.insert(0, str(source))

def import_all():
    return [importlib.import_module(name) for name in names]
"""
_TIME = _BEGIN + "begun = time.process_time(); made = MAKE; print(time.process_time() - begun)"
_MEMORY = _BEGIN + (
    "tracemalloc.start(); made = MAKE; print(tracemalloc.get_traced_memory()[0] / 1024 / len(names))"
)
_IMPORTS = {
    "bare Python": "pass",
    "framework": "from framework import App",
    "Falcon": "import falcon",
    "Bottle": "import bottle",
    "Flask": "import flask",
    "`import argparse, json, pathlib`": "import argparse, json, pathlib",
}

Summary = tuple[float, float, float]


def measure_site(routes: int, rounds: int) -> dict[str, Summary]:
    """Return milliseconds of CPU of the start of a site and of the import of its modules.

    The third row is the ratio of the two. Half of the routes are static, half are dynamic, ten in
    a folder. Both import bytecode that is on the disk.
    """
    site = str(_write_site(routes))
    starts, imports = [], []
    for number in range(rounds + 1):
        start = _run_python(_TIME.replace("MAKE", "App(sys.argv[1])"), site) * 1000
        warm = _run_python(_TIME.replace("MAKE", "import_all()"), site) * 1000
        if number:  # the first start writes the bytecode
            starts.append(start)
            imports.append(warm)
    ratios = [start / warm for start, warm in zip(starts, imports, strict=True)]
    return {
        f"start with {routes:,} routes, ms": summarize(starts),
        "warm import of the same modules, ms": summarize(imports),
        "ratio": summarize(ratios),
    }


def measure_memory(routes: int) -> dict[str, float]:
    """Return the KiB a route that Python allocates: of a started site, and of its modules alone."""
    site = str(_write_site(routes))
    return {
        "a route with its module, KiB": _run_python(
            _MEMORY.replace("MAKE", "App(sys.argv[1])"), site
        ),
        "its module alone, KiB": _run_python(_MEMORY.replace("MAKE", "import_all()"), site),
    }


def measure_imports(rounds: int) -> dict[str, Summary]:
    """Return the milliseconds of CPU of a process that imports, and of `framework --version`."""
    commands = {name: [sys.executable, "-c", code] for name, code in _IMPORTS.items()}
    commands["`framework --version`"] = [sys.executable, "-m", "framework", "--version"]
    found: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, command in commands.items():
            before = _children_seconds()
            subprocess.run(command, check=True, capture_output=True, env=_environment())
            if number:
                found[name].append((_children_seconds() - before) * 1000)
    return {name: summarize(values) for name, values in found.items()}


def _write_site(routes: int) -> Path:
    text = "def GET(params):\n    return Response(json.dumps(params), headers=JSON)\n"
    names = ("r{}.py", "r{}/[id].py")
    pages = {f"folder{n // 10}/{names[n % 2].format(n)}": text for n in range(routes)}
    return write_pages(pages)


def _run_python(code: str, argument: str) -> float:
    command = [sys.executable, "-c", code, argument]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=_environment())
    return float(done.stdout)


def _environment() -> dict[str, str]:
    environment = os.environ | {"PYTHONPATH": str(_ROOT)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return environment


def _children_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
