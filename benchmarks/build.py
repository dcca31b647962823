"""Measure the time and memory of static builds, beside other tools.

    python -m benchmarks.build [--sizes N ...] [--rounds N] [--limit SECONDS] [--skip-astro]
                               [--folder DIR]

Each build is a process that builds a new site, one after the other, round by round. The best time
and the highest memory count. The memory is that of the largest process. On a disk the times vary
more between two rounds than between two tools, so use a folder in memory, such as
/dev/shm/benchmark. The first run installs Astro with npm, and Node if the installed one is too old.
"""

import argparse
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from benchmarks import sites

_ROOT = Path(__file__).resolve().parent.parent
_ASTRO, _NODE, _OLDEST_NODE = 7, 24, (22, 12)
_LARGEST = {"JSON endpoints": 100_000, "HTML pages": 10_000}


class TooSlow(Exception):
    """A build took longer than the time limit."""


@dataclass(frozen=True)
class Tool:
    """A builder: the `files` of its sites, by workload and name, and the `command` for a folder.

    The command writes to the folder `out`.
    """

    files: dict[str, dict[str, str]]
    command: Callable[[Path], list[str]]
    out: str


@dataclass(frozen=True)
class Build:
    """One build: its peak memory in MiB, and the mean size of its files in bytes."""

    seconds: float
    peak: float
    size: float


Results = dict[str, dict[int, Build | None]]


def _framework(*options: str) -> Callable[[Path], list[str]]:
    start = [sys.executable, "-m", "framework"]
    return lambda folder: [*start, "--root", str(folder), "build", *options]


def _python_tools() -> dict[str, Tool]:
    return {
        "framework": Tool(sites.FRAMEWORK, _framework(), "dist"),
        "framework, generator": Tool(sites.FRAMEWORK_GENERATOR, _framework(), "dist"),
        "framework, --jobs 2": Tool(sites.FRAMEWORK, _framework("--jobs", "2"), "dist"),
        "Frozen-Flask": Tool(
            sites.FROZEN_FLASK, lambda folder: [sys.executable, str(folder / "freeze.py")], "build"
        ),
    }


def _node_version(node: str | Path) -> tuple[int, ...]:
    """Return the version; (0,) if the program does not run."""
    try:
        text = subprocess.run([node, "--version"], check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        return (0,)
    return tuple(int(part) for part in text.stdout.strip().removeprefix("v").split("."))


def _astro_version(modules: Path) -> str:
    try:
        return str(json.loads((modules / "astro" / "package.json").read_text())["version"])
    except FileNotFoundError:
        return ""


def _install_astro(folder: Path) -> tuple[Tool, str]:
    """Return Astro and its version. Raises `OSError` or `subprocess.SubprocessError`."""
    modules = folder / "node_modules"
    machine = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    shipped = f"node-{sys.platform}-{machine}"
    own = shutil.which("node") or ""
    is_new_enough = _node_version(own) >= _OLDEST_NODE
    node = own if is_new_enough else str(modules / shipped / "bin" / "node")
    found = _astro_version(modules).startswith(f"{_ASTRO}.")
    if not found or _node_version(node) < _OLDEST_NODE:
        (folder / "package.json").write_text('{"private": true}')
        command = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund"]
        command += ["--loglevel=error", f"astro@{_ASTRO}"]
        command += [] if is_new_enough else [f"{shipped}@{_NODE}"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=600)
    script = str(modules / "astro" / "bin" / "astro.mjs")
    tool = Tool(sites.ASTRO, lambda site: [node, script, "build", "--root", str(site)], "dist")
    numbers = ".".join(map(str, _node_version(node)))
    return tool, f"Astro {_astro_version(modules)} on Node {numbers}"


# A process starts with the peak memory of the process that it was forked from, so a small one
# starts the build.
_MEASURE = """
import os, sys, time
begun = time.perf_counter()
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(pid, 0)
print("\\n", time.perf_counter() - begun, usage.ru_maxrss, sep="\\n")
sys.exit(os.waitstatus_to_exitcode(status) != 0)
"""


def _run(command: list[str], log: Path, limit: float) -> tuple[float, float]:
    """Run a command and return its seconds and its peak memory in MiB. Raises `TooSlow`."""
    environ = os.environ | {"ASTRO_TELEMETRY_DISABLED": "1", "PYTHONPATH": str(_ROOT)}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)  # pip compiles what it installs
    measure = [sys.executable, "-I", "-S", "-c", _MEASURE]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*measure, *command],
            cwd=log.parent,
            env=environ,
            stdout=output,
            stderr=output,
            process_group=0,
        )
        try:
            process.wait(limit)
        except BaseException as error:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if isinstance(error, subprocess.TimeoutExpired):
                raise TooSlow from None
            raise
    text = log.read_text()
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{text[-5000:]}")
    seconds, peak = text.split("\n")[-3:-1]
    scale = 1 if sys.platform == "darwin" else 1024
    return float(seconds), int(peak) * scale / 2**20


def _build(tool: Tool, workload: str, count: int, limit: float, base: Path) -> Build:
    """Build a new site below `base`. Exits if a file is missing or wrong."""
    with tempfile.TemporaryDirectory(dir=base) as name:
        folder = Path(name)
        for file, text in tool.files[workload].items():
            path = folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.replace("COUNT", str(count)))
        os.sync()
        log = folder / "log"
        seconds, peak = _run(tool.command(folder), log, limit)
        found = size = 0
        for path in (folder / tool.out / "products").rglob("*.*"):
            text = path.read_text()
            number = path.stem if path.suffix == ".json" else path.parent.name
            found += f"of the series number {number}" in text
            size += len(text)
        if found != count:
            raise SystemExit(f"{found} files are right, not {count}:\n{log.read_text()[-5000:]}")
    return Build(seconds, peak, size / count)


def measure(
    tools: dict[str, Tool], workload: str, sizes: list[int], rounds: int, limit: float, base: Path
) -> Results:
    """Return the builds by tool and number of files; `None` for one that was too slow."""
    results: Results = {name: {} for name, tool in tools.items() if workload in tool.files}
    for count in sizes:
        for _ in range(rounds):
            for name, builds in results.items():
                if None in builds.values():
                    continue
                try:
                    new = _build(tools[name], workload, count, limit, base)
                except TooSlow:
                    builds[count] = None
                    _log(f"{workload}, {count:,}: {name} takes longer than {limit:,.0f} s")
                    continue
                _log(f"{workload}, {count:,}: {name} {new.seconds:.2f} s, {new.peak:.0f} MiB")
                old = builds.get(count) or new
                seconds, peak = min(old.seconds, new.seconds), max(old.peak, new.peak)
                builds[count] = Build(seconds, peak, new.size)
    return results


def _log(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def report(workload: str, results: Results, sizes: list[int], limit: float) -> None:
    """Print a table of the builds. The ratio is to the time of `framework`."""
    head = [workload, "files", "seconds", "ratio", "files/s", "peak MiB", "bytes per file"]
    print("| " + " | ".join(head) + " |")
    print("| --- |" + " ---: |" * (len(head) - 1))
    for count in sizes:
        own = results["framework"].get(count)
        for name, builds in results.items():
            build = builds.get(count)
            if build is None:
                cells = [f"over {limit:,.0f}" if count in builds else "not tried", "", "", "", ""]
            else:
                ratio = f"{build.seconds / own.seconds:.1f}" if own else ""
                cells = [f"{build.seconds:.2f}", ratio, f"{count / build.seconds:,.0f}"]
                cells += [f"{build.peak:.0f}", f"{build.size:,.0f}"]
            print(f"| {name} | {count:,} | " + " | ".join(cells) + " |")
    print(flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 10_000, 100_000])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--limit", type=float, default=900, help="seconds for one build")
    parser.add_argument("--folder", type=Path, default=_ROOT / "build" / "benchmark")
    parser.add_argument("--skip-astro", action="store_true")
    options = parser.parse_args()
    base = options.folder.resolve()
    base.mkdir(parents=True, exist_ok=True)
    tools = _python_tools()
    what = [f"CPython {platform.python_version()}", f"Frozen-Flask {version('Frozen-Flask')}"]
    if not options.skip_astro:
        try:
            tools[f"Astro {_ASTRO}"], version_text = _install_astro(base)
        except (OSError, subprocess.SubprocessError) as error:
            version_text = f"without Astro, which can't be installed: {error}"
        what.append(version_text)
    print(f"{', '.join(what)}\n", flush=True)
    for workload, largest in _LARGEST.items():
        sizes = sorted(size for size in {*options.sizes} if size <= largest)
        results = measure(tools, workload, sizes, options.rounds, options.limit, base)
        report(workload, results, sizes, options.limit)


if __name__ == "__main__":
    main()
