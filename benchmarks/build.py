"""Measure the time and memory of static builds, beside other tools.

    python -m benchmarks.build [--sizes N ...] [--rounds N] [--limit SECONDS] [--skip-astro]
                               [--folder DIR]

Each build is a process that builds a new site, one after the other, round by round. The median of
the times and the highest memory count, that of all processes of a build together. Each tool has its
defaults, so `framework` uses all cores. On a disk the times vary more between two rounds than
between two tools, so use a folder in memory, such as /dev/shm/benchmark. The first run installs
Astro with npm, and Node if the installed one is too old.
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
from statistics import median

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
    """The builds of one site by one tool, one for each round.

    `cpu` is the lowest CPU time in seconds and `peak` the highest memory in MiB, of all processes
    together; `size` is the mean size of a file in bytes.
    """

    count: int
    times: tuple[float, ...]
    cpu: float
    peak: float
    size: float

    @property
    def seconds(self) -> float:
        """The median time."""
        return median(self.times)

    @property
    def rate(self) -> float:
        """Files per second."""
        return self.count / self.seconds


Results = dict[str, dict[int, Build | None]]


def _framework(*options: str) -> Callable[[Path], list[str]]:
    start = [sys.executable, "-m", "framework"]
    return lambda folder: [*start, "--root", str(folder), "build", *options]


def _python_tools() -> dict[str, Tool]:
    return {
        "framework": Tool(sites.FRAMEWORK, _framework(), "dist"),
        "framework, generator": Tool(sites.FRAMEWORK_GENERATOR, _framework(), "dist"),
        "framework, --jobs 1": Tool(sites.FRAMEWORK, _framework("--jobs", "1"), "dist"),
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
# starts the build. It adds up the memory of all processes in its group, without counting what they
# share twice; on systems without /proc the memory is that of the largest process.
_MEASURE = """
import os, sys, threading, time
from glob import glob

def memory_of(folder):
    try:
        group = int(open(folder + "stat").read().rpartition(")")[2].split()[2])
        if group == os.getpgrp() and folder != f"/proc/{os.getpid()}/":
            return int(open(folder + "smaps_rollup").read().partition("Pss:")[2].split()[0])
    except (OSError, IndexError):
        pass
    return 0

def sample():
    global peak
    while True:
        peak = max(peak, sum(map(memory_of, glob("/proc/[0-9]*/"))))
        time.sleep(0.1)

peak = 0
begun = time.perf_counter()
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
threading.Thread(target=sample, daemon=True).start()
_, status, usage = os.wait4(pid, 0)
seconds, cpu = time.perf_counter() - begun, usage.ru_utime + usage.ru_stime
print("\\n", seconds, cpu, max(peak, usage.ru_maxrss), sep="\\n", flush=True)
os._exit(os.waitstatus_to_exitcode(status) != 0)
"""


def _run(command: list[str], log: Path, limit: float) -> tuple[float, float, float]:
    """Run a command; return its time, CPU time and memory as in `Build`. Raises `TooSlow`."""
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
    seconds, cpu, peak = text.split("\n")[-4:-1]
    scale = 1 if sys.platform == "darwin" else 1024
    return float(seconds), float(cpu), int(peak) * scale / 2**20


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
        seconds, cpu, peak = _run(tool.command(folder), log, limit)
        found = size = 0
        for path in (folder / tool.out / "products").rglob("*.*"):
            text = path.read_text()
            number = path.stem if path.suffix == ".json" else path.parent.name
            found += f"of the series number {number}" in text
            size += len(text)
        if found != count:
            raise SystemExit(f"{found} files are right, not {count}:\n{log.read_text()[-5000:]}")
    return Build(count, (seconds,), cpu, peak, size / count)


def measure(
    count: int,
    rounds: int,
    *,
    folder: Path = Path("/dev/shm/framework-benchmark"),
    limit: float = 900,
) -> dict[str, dict[str, Build]]:
    """Return the builds of `count` files by workload and tool.

    Without Astro, for the reason that is printed, if it can't be installed.
    """
    tools, what = find_tools(folder)
    _log(", ".join(what))
    measured = {}
    for workload in _LARGEST:
        results = measure_workload(tools, workload, [count], rounds, limit, folder)
        found = {name: builds[count] for name, builds in results.items()}
        measured[workload] = {name: build for name, build in found.items() if build is not None}
    return measured


def find_tools(folder: Path, *, skip_astro: bool = False) -> tuple[dict[str, Tool], list[str]]:
    """Return the tools by name, and their versions. The folder is made if it does not exist."""
    folder.mkdir(parents=True, exist_ok=True)
    tools = _python_tools()
    what = [f"CPython {platform.python_version()}", f"Frozen-Flask {version('Frozen-Flask')}"]
    if not skip_astro:
        try:
            tools[f"Astro {_ASTRO}"], version_text = _install_astro(folder)
        except (OSError, subprocess.SubprocessError) as error:
            version_text = f"without Astro, which can't be installed: {error}"
        what.append(version_text)
    return tools, what


def measure_workload(
    tools: dict[str, Tool], workload: str, sizes: list[int], rounds: int, limit: float, base: Path
) -> Results:
    """Return the builds by tool and number of files; `None` for one that was too slow.

    The tools take turns in each round.
    """
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
                old = builds.get(count)
                if old is not None:
                    cpu, peak = min(old.cpu, new.cpu), max(old.peak, new.peak)
                    new = Build(count, old.times + new.times, cpu, peak, new.size)
                builds[count] = new
    return results


def _log(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def report(workload: str, results: Results, sizes: list[int], limit: float) -> None:
    """Print a table of the builds. The ratio is to the time of `framework`."""
    head = [workload, "files", "seconds", "ratio", "files/s", "CPU s", "peak MiB", "bytes per file"]
    print("| " + " | ".join(head) + " |")
    print("| --- |" + " ---: |" * (len(head) - 1))
    for count in sizes:
        own = results["framework"].get(count)
        for name, builds in results.items():
            build = builds.get(count)
            if build is None:
                cells = [f"over {limit:,.0f}" if count in builds else "not tried", *[""] * 5]
            else:
                ratio = f"{build.seconds / own.seconds:.1f}" if own else ""
                cells = [f"{build.seconds:.2f}", ratio, f"{build.rate:,.0f}"]
                cells += [f"{build.cpu:.2f}", f"{build.peak:.0f}", f"{build.size:,.0f}"]
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
    tools, what = find_tools(base, skip_astro=options.skip_astro)
    print(f"{', '.join(what)}\n", flush=True)
    for workload, largest in _LARGEST.items():
        sizes = sorted(size for size in {*options.sizes} if size <= largest)
        results = measure_workload(tools, workload, sizes, options.rounds, options.limit, base)
        report(workload, results, sizes, options.limit)


if __name__ == "__main__":
    main()
