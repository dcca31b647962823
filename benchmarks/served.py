"""Measure the CPU time of a request with gunicorn and granian, beside other frameworks.

    python -m benchmarks.served [--seconds N] [--rounds N]

Needs wrk. Each application runs in one worker process with one thread, round by round. The CPU
time is that of the server and its worker, user and system. The ratio is the time of the bare WSGI
callable in the same round to that of the application: 1 if a framework cost nothing. Astro is served
by Node in both tables; it is left out where npm can't install it.
"""

import argparse
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from benchmarks import astro
from benchmarks.applications import BARE, PEERS, make_cases
from benchmarks.rounds import summarize

SERVERS = {
    "gunicorn (sync)": "gunicorn --bind=127.0.0.1:{port} --no-control-socket --log-level=error"
    " benchmarks.served:application()",
    "granian": "granian --interface=wsgi --port={port} --blocking-threads=1 --no-ws"
    " --log-level=error --factory benchmarks.served:application",
}
_ECHO = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"name":"Keyboard","price":49.9,"tags":["usb","black"]}'
"""
_DYNAMIC = """
local number = 0
request = function()
    number = (number + 1) % 5000
    return wrk.format(nil, "/products/" .. number .. ".json")
end
"""
WORKLOADS = {
    "static path": ("/api/health", ""),
    "`[id].json`, distinct ids": ("/", _DYNAMIC),
    "JSON echo": ("/api/echo", _ECHO),
}
_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Served:
    """The medians of the CPU time of a request and of the requests a second.

    `ratio` is the time of the bare callable to that of the application, with its quartiles.
    """

    microseconds: float
    rate: float
    ratio: float
    low: float
    high: float


def application() -> Any:
    """Return the application that a server serves."""
    return make_cases(os.environ["BENCHMARK_APPLICATION"], 100)


def measure(commands: dict[str, str], *, rounds: int, seconds: int) -> dict[str, dict[str, Served]]:
    """Return the results by workload and application, which each command serves.

    All servers run during the whole time, and one at a time has requests.
    """
    with ExitStack() as stack:
        running = {n: stack.enter_context(_serve(n, command)) for n, command in commands.items()}
        return {
            workload: _compare(running, path, script, rounds, seconds)
            for workload, (path, script) in WORKLOADS.items()
        }


def _compare(
    running: dict[str, tuple[int, int]], path: str, script: str, rounds: int, seconds: int
) -> dict[str, Served]:
    costs: dict[str, list[float]] = {name: [] for name in running}
    rates: dict[str, list[float]] = {name: [] for name in running}
    for number in range(rounds):
        for name in list(running)[:: 1 if number % 2 else -1]:
            process, port = running[name]
            begun = _cpu_seconds(process)
            requests = _load(port, path, script, seconds)
            costs[name].append((_cpu_seconds(process) - begun) / requests * 1e6)
            rates[name].append(requests / seconds)
    bare = costs[BARE]
    return {
        name: Served(
            statistics.median(cost),
            statistics.median(rates[name]),
            *summarize([b / own for b, own in zip(bare, cost, strict=True)]),
        )
        for name, cost in costs.items()
    }


@contextmanager
def _serve(name: str, command: str) -> Iterator[tuple[int, int]]:
    """Start a server and wait until it answers 200; yield the id of its process, and its port."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    environ = os.environ | {"BENCHMARK_APPLICATION": name, "HOST": "127.0.0.1", "PORT": str(port)}
    process = subprocess.Popen(
        command.format(port=port).split(), cwd=_ROOT, env=environ, stdout=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 60
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{name} did not start: {command}")
            time.sleep(0.05)
        yield process.pid, port
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/api/health")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _cpu_seconds(process: int) -> float:
    """Return the CPU time that a server and its workers have used, user and system."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    ticks = 0
    for number in (process, *children):
        # Behind the name of the program, which may contain spaces.
        fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _load(port: int, path: str, script: str, seconds: int) -> int:
    """Return the number of requests that wrk made. Exits if a status is not 2xx."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        command = ["wrk", "-t1", "-c8", f"-d{seconds}s", "-s", file.name]
        command.append(f"http://127.0.0.1:{port}{path}")
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = re.search(r"(\d+) requests in", output)
    if found is None or "Non-2xx" in output:
        raise SystemExit(f"an application failed:\n{output}")
    return int(found[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=1, help="of load in a round")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is not installed (Debian: apt-get install wrk)")
    command, versions = _build_astro()
    print(f"{versions}\n", flush=True)
    for server, arguments in SERVERS.items():
        commands = dict.fromkeys(PEERS, f"{sys.executable} -m {arguments}")
        if command:
            commands["Astro"] = command
        results = measure(commands, rounds=options.rounds, seconds=options.seconds)
        print(f"| {server} | " + " | ".join(commands) + " |")
        print("| --- |" + " ---: |" * len(commands))
        for workload, found in results.items():
            cells = [
                f"{one.ratio:.2f} ({one.low:.2f}-{one.high:.2f}), {one.microseconds:.0f} µs,"
                f" {one.rate:,.0f}/s"
                for one in found.values()
            ]
            print(f"| {workload} | " + " | ".join(cells) + " |", flush=True)
        print(flush=True)


def _build_astro() -> tuple[str, str]:
    try:
        command, versions = astro.build_server(_ROOT / "build" / "astro")
    except (OSError, subprocess.SubprocessError) as error:
        return "", f"Without Astro, which can't be installed: {error}"
    return " ".join(command), versions


if __name__ == "__main__":
    main()
