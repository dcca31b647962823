"""Run programs that serve a site, each in a process of its own."""

import http.client
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.waiting import PATIENCE, wait_until


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Write each text to the file of that name below the folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def accept_interrupts() -> None:
    """Let Ctrl+C end this process. A shell starts its background processes with it ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Program:
    """A Python module that runs as a server; what it writes goes to a file in its folder."""

    def __init__(self, folder: Path, module: str, *arguments: str) -> None:
        self._log = folder / "output.txt"
        with self._log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                cwd=folder,
                env=os.environ | {"PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                preexec_fn=accept_interrupts,
            )

    @property
    def output(self) -> str:
        return self._log.read_text()

    def says(self, pattern: str) -> re.Match[str]:
        """Wait until the output matches, and return the match."""

        def look() -> re.Match[str] | None:
            is_over = self.process.poll() is not None  # before the last look at the output
            found = re.search(pattern, self.output)
            assert found or not is_over, f"the program ended with {self.process.returncode}"
            return found

        try:
            found = wait_until(look, repr(pattern))
        except AssertionError as error:
            raise AssertionError(f"{error}; the output is:\n{self.output}") from None
        assert found is not None
        return found

    @property
    def url(self) -> str:
        """Its address, without a path."""
        return self.says(r"https?://[^ ]+:\d+")[0]

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def ask(self, path: str = "/", **headers: str) -> tuple[int, str]:
        """Send a GET request; the status and the body of the response."""
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request("GET", path, headers=names)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def answers(self, path: str, status: int, body: str) -> None:
        """Wait until the path has this response. No request may fail meanwhile."""
        wait_until(lambda: self.ask(path) == (status, body), f"{path} to be {status} {body!r}")

    def is_gone(self) -> bool:
        try:
            self.ask()
        except OSError:
            return True
        return False

    def end(self, signal_number: int = signal.SIGTERM) -> int:
        """Send the signal; the exit status."""
        self.process.send_signal(signal_number)
        return self.wait()

    def wait(self) -> int:
        """Wait until the program ends; the exit status."""
        return self.process.wait(PATIENCE)

    def stop(self) -> None:
        """End the program, if it still runs."""
        self.process.terminate()
        try:
            self.wait()
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextmanager
def serve_by_gunicorn(folder: Path, *options: str) -> Iterator[Program]:
    """Serve the `application` of `wsgi.py` in the folder, by one worker of gunicorn."""
    options = ("--bind=127.0.0.1:0", "--no-control-socket", *options, "wsgi")
    program = Program(folder, "gunicorn", *options)
    try:
        program.says("Booting worker")
        yield program
    finally:
        program.stop()
