"""Is what a build wrote what the site answers?

Every path is asked for again, in another process: one that draws its own random numbers and
orders its sets in its own way. So what differs depends on more than the site's files.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..app import App
from ..errors import BuildError, SiteError, StaticPathsError
from ..route import Route
from ..static.types import content_type_of
from ..site.static_paths import StaticPath
from .folder import Workplace
from .ledger import Ledger, Written, read_headers
from .maker import Made
from .outputs import Output, OutputError, Outputs, find_sources
from .progress import Progress

_AROUND = 20  # bytes shown from a difference on
_REMEDY = (
    "    Take out what changes from run to run (the time, random numbers, the order of a set),\n"
    "    or build with --force, if it is made of something that no build can see."
)
_SAME_TYPES = ({"text/xml", "application/xml"}, {"text/javascript", "application/javascript"})

Tell = Callable[[dict[str, Any]], None]


@dataclass(slots=True)
class Found:
    """What asking again found: of `count` paths, each thing once."""

    count: int = 0
    differences: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def verify_files(root: Path, work: Workplace, total: int, progress: Progress) -> Found:
    """Ask for the paths of the `total` files in `work.fresh`.

    Raises `BuildError` where the other process doesn't come to its end.
    """
    code = (
        f"import sys; sys.path[:] = {sys.path!r}; from framework.build.verify import answer; "
        f"answer({str(root)!r}, {str(work.fresh)!r}, {str(work.fresh_ledger)!r})"
    )
    found, is_whole = Found(), False
    progress.begin("Verifying", total)
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:  # noqa: S603 - our own code
        try:
            for line in process.stdout or ():
                told = json.loads(line)
                if "path" in told:
                    found.count += 1
                    progress.made(Made("", 0, told["path"]))
                found.differences += told.get("differences", ())
                found.warnings += told.get("warnings", ())
                is_whole = "end" in told
        finally:
            progress.end()
            if not is_whole:
                process.kill()
    if not is_whole:
        raise BuildError(f"The process that verifies ended with status {process.returncode}.")
    return found


def answer(root: str, folder: str, ledger: str) -> None:
    """Ask for every path of the site, and tell standard output how that compares."""
    with os.fdopen(os.dup(sys.stdout.fileno()), "w") as stream:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what the site prints is no answer
        for told in compare_all(Path(root), Path(folder), Path(ledger)):
            stream.write(f"{json.dumps(told)}\n")
            stream.flush()


def compare_all(root: Path, folder: Path, ledger: Path) -> Iterator[dict[str, Any]]:
    """For each path of the site `path`, and what differs; at the end `warnings`."""
    written = Ledger.find(ledger)
    if written is None:
        raise FileNotFoundError(ledger)
    warnings: dict[str, None] = {}
    differences: list[str] = []
    try:
        app = App(root, mode="build")
    except SiteError as error:
        written.close()
        yield {"differences": [f"The site does not start a second time. {error}"], "end": True}
        return
    with closing(app), closing(written):
        outputs, seen = Outputs(app), set[str]()
        for route, static in find_sources(app):
            try:
                for path in static.list_paths(app.site.routes.url_for):
                    comparison = _Comparison(written, folder, outputs, route, path)
                    yield {"path": comparison.path, "differences": comparison.differences}
                    seen.add(comparison.path)
                    warnings |= dict.fromkeys(comparison.warnings)
            except StaticPathsError as error:
                differences.append(str(error))
        differences += [
            f"{file.place}: {file.path or '/'} was listed, and is not when asked again.\n{_REMEDY}"
            for file in written
            if file.path is not None and file.path not in seen
        ]
    yield {"differences": differences, "warnings": list(warnings), "end": True}


class _Comparison:
    """One path asked for again."""

    def __init__(
        self, ledger: Ledger, folder: Path, outputs: Outputs, route: Route, path: StaticPath
    ) -> None:
        self.path = route.pattern.text
        self.differences: list[str] = []
        self.warnings: list[str] = []
        try:
            place = outputs.locate(route, path)
            self.path = place.path
            output = outputs.make(place, path)
        except OutputError as error:
            self.differences.append(f"When asked again, {error}")
            return
        self._where = f"{route.file}: {place.full}"
        file = ledger.find_path(place.path)
        if file is None:
            self.differences.append(
                f"{self._where} was not listed, and is when asked again.\n{_REMEDY}"
            )
            return
        self._compare(output, file, (folder / file.file).read_bytes())
        self._warn(output, route)

    def _compare(self, output: Output, file: Written, content: bytes) -> None:
        if (output.file, output.status) != (file.file, file.status):
            self.differences.append(
                f"{self._where} became {file.file} (status {file.status}), and when asked again "
                f"{output.file} ({output.status}).\n{_REMEDY}"
            )
        before, after = (read_headers(file) or {}).items(), (output.headers or {}).items()
        for name in sorted(dict(before ^ after)):
            old, new = dict(before).get(name), dict(after).get(name)
            self.differences.append(
                f"{self._where} had {name}: {old}, and when asked again {name}: {new}.\n{_REMEDY}"
            )
        if output.content != content:
            pairs = zip(content, output.content, strict=False)
            same = min(len(content), len(output.content))
            at = next((n for n, (a, b) in enumerate(pairs) if a != b), same)
            one, other = (text[at : at + _AROUND] for text in (content, output.content))
            self.differences.append(
                f"{self._where} is not the same when asked again: from byte {at} on "
                f"{_shown(one)} and {_shown(other)}.\n{_REMEDY}"
            )

    def _warn(self, output: Output, route: Route) -> None:
        if output.headers is None or output.location is not None:
            return
        if output.status != 200:
            self.warnings.append(
                f"{route.file}: answers {output.status}, and a file is always answered with 200."
            )
        by_name = _essence(content_type_of(output.file.rpartition("/")[2]))
        kind = _essence(output.content_type)
        if kind != by_name and {kind, by_name} not in _SAME_TYPES:
            self.warnings.append(
                f"{route.file}: says that it is {kind}; a server that goes by the name takes it "
                f"for {by_name}.\n    Name it for what it is, or use a server that reads _headers "
                "or the snippet for nginx."
            )


def _essence(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _shown(content: bytes) -> str:
    return repr(content.decode(errors="replace")) if content else "its end"
