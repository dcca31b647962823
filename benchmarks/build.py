"""Measure the time and memory of static builds, beside other tools.

    python -m benchmarks.build [--sizes N ...] [--rounds N] [--folder DIR] [--skip-astro]

Each build is a process that builds a new site, one after the other, round by round. The median of
the times and the highest memory count, that of all processes of a build together. Each tool has its
defaults, so `framework` uses all cores. On a disk the times vary more between two rounds than
between two tools, so use a folder in memory, such as /dev/shm/benchmark. The first run installs
Astro with npm, and Node if the installed one is too old.
"""

import argparse
import os
import platform
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

from benchmarks import astro, sites

_ROOT = Path(__file__).resolve().parent.parent
_LARGEST = {"JSON endpoints": 100_000, "HTML pages": 10_000}


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


Results = dict[str, dict[int, Build]]


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


def _run(command: list[str], log: Path) -> tuple[float, float, float]:
    """Run a command; return its time, CPU time and memory as in `Build`."""
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
            process.wait()
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
    text = log.read_text()
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{text[-5000:]}")
    seconds, cpu, peak = text.split("\n")[-4:-1]
    scale = 1 if sys.platform == "darwin" else 1024
    return float(seconds), float(cpu), int(peak) * scale / 2**20


def _build(tool: Tool, workload: str, count: int, base: Path) -> Build:
    """Build a new site below `base`. Exits if a file is missing or wrong."""
    with tempfile.TemporaryDirectory(dir=base) as name:
        folder = Path(name)
        for file, text in tool.files[workload].items():
            path = folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.replace("COUNT", str(count)))
        os.sync()
        log = folder / "log"
        seconds, cpu, peak = _run(tool.command(folder), log)
        found = size = 0
        for path in (folder / tool.out / "products").rglob("*.*"):
            text = path.read_text()
            number = path.stem if path.suffix == ".json" else path.parent.name
            found += f"of the series number {number}" in text
            size += len(text)
        if found != count:
            raise SystemExit(f"{found} files are right, not {count}:\n{log.read_text()[-5000:]}")
    return Build(count, (seconds,), cpu, peak, size / count)


def _find_tools(folder: Path, *, skip_astro: bool) -> tuple[dict[str, Tool], list[str]]:
    """Return the tools by name, and their versions. The folder is made if it does not exist."""
    folder.mkdir(parents=True, exist_ok=True)
    tools = _python_tools()
    versions = [f"CPython {platform.python_version()}", f"Frozen-Flask {version('Frozen-Flask')}"]
    if not skip_astro:
        try:
            node, text = astro.install(folder)
        except (OSError, subprocess.SubprocessError) as error:
            text = f"without Astro, which can't be installed: {error}"
        else:
            command = astro.build_command(folder, node)
            tools["Astro"] = Tool(sites.ASTRO, lambda site: [*command, "--root", str(site)], "dist")
        versions.append(text)
    return tools, versions


def _measure(
    tools: dict[str, Tool], workload: str, sizes: list[int], rounds: int, base: Path
) -> Results:
    """Return the builds by tool and number of files. The tools take turns in each round."""
    results: Results = {name: {} for name, tool in tools.items() if workload in tool.files}
    for count in sizes:
        for _ in range(rounds):
            for name, builds in results.items():
                new = _build(tools[name], workload, count, base)
                text = f"{new.seconds:.2f} s, {new.peak:.0f} MiB"
                print(f"{workload}, {count:,}: {name} {text}", file=sys.stderr, flush=True)
                old = builds.get(count)
                if old is not None:
                    cpu, peak = min(old.cpu, new.cpu), max(old.peak, new.peak)
                    new = Build(count, old.times + new.times, cpu, peak, new.size)
                builds[count] = new
    return results


def _print_table(workload: str, results: Results, sizes: list[int]) -> None:
    """Print a table of the builds. The ratio is to the time of `framework`."""
    head = [workload, "files", "seconds", "ratio", "files/s", "CPU s", "peak MiB", "bytes per file"]
    print("| " + " | ".join(head) + " |")
    print("| --- |" + " ---: |" * (len(head) - 1))
    for count in sizes:
        own = results["framework"][count]
        for name, builds in results.items():
            build = builds[count]
            cells = [f"{build.seconds:.2f}", f"{build.seconds / own.seconds:.1f}"]
            cells += [f"{build.count / build.seconds:,.0f}", f"{build.cpu:.2f}"]
            cells += [f"{build.peak:.0f}", f"{build.size:,.0f}"]
            print(f"| {name} | {count:,} | " + " | ".join(cells) + " |")
    print(flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 10_000, 100_000])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=_ROOT / "build" / "benchmark")
    parser.add_argument("--skip-astro", action="store_true")
    options = parser.parse_args()
    base = options.folder.resolve()
    tools, versions = _find_tools(base, skip_astro=options.skip_astro)
    print(f"{', '.join(versions)}\n", flush=True)
    for workload, largest in _LARGEST.items():
        sizes = sorted(size for size in {*options.sizes} if size <= largest)
        results = _measure(tools, workload, sizes, options.rounds, base)
        _print_table(workload, results, sizes)


if __name__ == "__main__":
    main()
