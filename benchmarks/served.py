"""Measure the requests per second with gunicorn, beside other frameworks.

    python -m benchmarks.served [--seconds N] [--rounds N]

Needs wrk. Each application runs with one worker of four threads, one after the other, round by
round; the best round counts. The ratio is to the bare WSGI callable.
"""

import argparse
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.applications import MAKERS

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
    "dynamic path": ("/", _DYNAMIC),
    "JSON echo": ("/api/echo", _ECHO),
}
_ROOT = Path(__file__).resolve().parent.parent


def application(name: str) -> object:
    """Return the application that gunicorn serves."""
    return MAKERS[name]()


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _start(name: str, port: int) -> subprocess.Popen[bytes]:
    target = f"benchmarks.served:application({name!r})"
    options = ["--bind", f"127.0.0.1:{port}", "--workers", "1", "--threads", "4"]
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", *options, "--log-level", "error", target], cwd=_ROOT
    )
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return process
    process.kill()
    raise SystemExit(f"gunicorn did not start for {name}")


def _load(port: int, path: str, script: str, seconds: int) -> float:
    """Return the requests per second that wrk counts. Exits if a status is not 2xx."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        command = ["wrk", "-t1", "-c16", f"-d{seconds}s", "-s", file.name]
        command.append(f"http://127.0.0.1:{port}{path}")
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in output:
        raise SystemExit(f"an application failed:\n{output}")
    found = re.search(r"Requests/sec:\s+([\d.]+)", output)
    if found is None:
        raise SystemExit(f"wrk printed no rate:\n{output}")
    return float(found[1])


def measure(seconds: int, rounds: int) -> dict[str, dict[str, float]]:
    """Return the requests per second, by workload and application."""
    best = {workload: dict.fromkeys(MAKERS, 0.0) for workload in WORKLOADS}
    for _ in range(rounds):
        for name in MAKERS:
            port = _free_port()
            process = _start(name, port)
            try:
                for workload, (path, script) in WORKLOADS.items():
                    rate = _load(port, path, script, seconds)
                    best[workload][name] = max(best[workload][name], rate)
            finally:
                process.terminate()
                process.wait(timeout=30)
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is not installed (Debian: apt-get install wrk)")
    results = measure(options.seconds, options.rounds)
    names = list(MAKERS)
    print("| requests per second, gunicorn | " + " | ".join(names) + " |")
    print("| --- |" + " ---: |" * len(names))
    for workload, best in results.items():
        cells = [f"{best[name]:,.0f} ({best[name] / best['bare WSGI']:.2f})" for name in names]
        print(f"| {workload} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
