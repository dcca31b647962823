"""Build a site: render its prerendered routes, copy `public/`, and replace the output folder."""

import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from unicodedata import normalize

from ..app import App
from ..errors import BuildError, StaticPathsError
from ..site.checks import find_static_warnings
from ..static.built import MANIFEST
from .clashes import explain_clash
from .encodings import find_encoders
from .folder import find_target, output_folder
from .hosting import find_redirects, find_rules, write_host_lists
from .manifest import write_manifest
from .nginx import NGINX, write_nginx
from .progress import Progress
from .renderer import OutputError, list_sources
from .results import Clash, Result, WrittenFile
from .workers import Plan, choose_jobs, write_in_process, write_in_processes
from .writer import Writer

_MAX_MISTAKES = 50  # in one error message


@dataclass(slots=True)
class Report:
    """What a build wrote.

    `rendered` and `public` count files, without compressed variants and the files that the build
    writes for servers; `size` is their size in bytes. `routes` maps the file of each route to the
    number of its paths and the seconds that they took.
    """

    folder: Path
    rendered: int = 0
    public: int = 0
    size: int = 0
    seconds: float = 0.0
    routes: dict[str, tuple[int, float]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def build(root: Path, *, jobs: int | None = None, progress: Progress | None = None) -> Report:
    """Write the site's prerendered routes and its public files to `build.out_dir`.

    `jobs` is the number of processes; `None` chooses one. Raises `SiteError` if the site cannot
    start, and `BuildError` if it cannot be built. Then the last build stays as it was.
    """
    started = time.monotonic()
    root = root.resolve()
    with closing(App(root, mode="build")) as app:
        target = find_target(root, app.config)
        app.start()
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with output_folder(target) as folder:
                report = _Build(app, folder, target).run(jobs, progress)
        except OSError as error:
            raise BuildError(f"The site can't be built: {error}") from error
    report.seconds = time.monotonic() - started
    return report


class _Build:
    """One build to `folder`, which replaces `target` afterwards."""

    def __init__(self, app: App, folder: Path, target: Path) -> None:
        self.app = app
        self.folder = folder
        self.report = Report(target)
        self.files: dict[str, WrittenFile] = {}
        self.mistakes: list[str] = []
        self.clashes: list[Clash] = []
        compress = app.config.build.compress
        if compress is None:
            compress = app.config.output == "server"
        self.writer = Writer(app, folder, target, find_encoders() if compress else {})

    def run(self, jobs: int | None, progress: Progress | None) -> Report:
        """Write every file. Raises `BuildError` with all mistakes."""
        for name in (MANIFEST, NGINX):
            (self.folder / name).touch()  # a redirect from this path is a mistake
        self._warn(*map(str, find_static_warnings(self.app.site)))
        for name, reason in self.writer.secrets.ignored.items():
            self._warn(f"Build(secrets=...): the value of {name} {reason}.")
        plan = self._list_paths(whole=jobs is not None and jobs > 1)
        if not plan and not self.mistakes and self.app.config.output == "server":
            self._warn(
                "No route is prerendered. Set prerender = True in the file of a route, or "
                'Config(output="static") for all routes.'
            )
        self._copy_public()
        self._render(plan, jobs or choose_jobs(plan), progress)
        order = {route.file: number for number, route in enumerate(self.app.site.routes.all)}
        self.mistakes += [explain_clash(clash, self.files, order) for clash in self.clashes]
        if self.mistakes:
            lines = sorted(set(self.mistakes))
            if len(lines) > _MAX_MISTAKES:
                lines[_MAX_MISTAKES:] = [f"And {len(lines) - _MAX_MISTAKES} more."]
            raise BuildError("\n".join(["The site can't be built:", *lines]))
        self._write_lists([self.files[name] for name in sorted(self.files)])
        self.report.warnings = self.app.site.warnings.texts
        return self.report

    def _warn(self, *texts: str) -> None:
        for text in texts:
            self.app.site.warnings.add(text)

    def _list_paths(self, *, whole: bool) -> Plan:
        """Return the routes to render. If `whole` is true, the items of generators are made first."""
        plan = []
        for route, static in list_sources(self.app):
            try:
                paths = static.list_paths()
                plan.append((route, paths.whole() if whole else paths))
            except StaticPathsError as error:
                self.mistakes.append(str(error))
        return plan

    def _copy_public(self) -> None:
        public = self.app.site.root / "public"
        for source in self.app.site.files.values():
            name = Path(source.path).relative_to(public).as_posix()
            try:
                file = self.writer.copy(source, normalize("NFC", name), f"public/{name}")
            except OutputError as error:
                self.mistakes.append(str(error))
            else:
                self._add(file)
                self.report.public += 1

    def _render(self, plan: Plan, jobs: int, progress: Progress | None) -> None:
        if jobs == 1:
            results = write_in_process(self.writer, plan)
        else:
            results = write_in_processes(self.writer, plan, jobs, self.app.site.warnings)
        sizes = [paths.size for _, paths in plan]
        total = None if None in sizes else sum(size or 0 for size in sizes)
        shown = results if progress is None else progress(results, total)
        with closing(results), closing(shown):
            for result in shown:
                self._record(result)

    def _record(self, result: Result) -> None:
        if result.error:
            self.mistakes.append(result.error)
        if result.clash is not None:
            self.clashes.append(result.clash)
        if result.file is not None:
            self._add(result.file)
            self.report.rendered += 1
            source = result.file.source
            count, seconds = self.report.routes.get(source, (0, 0.0))
            self.report.routes[source] = (count + 1, seconds + result.seconds)

    def _add(self, file: WrittenFile) -> None:
        self.files[file.name] = file
        self.report.size += file.size

    def _write_lists(self, files: Sequence[WrittenFile]) -> None:
        config = self.app.config
        rules, redirects = find_rules(files), find_redirects(config, files)
        if config.output == "static":
            for redirect in redirects:
                if (name := self.writer.secrets.find(redirect.destination.encode())) is not None:
                    raise BuildError(
                        f"{redirect.where}: the destination holds the value of {name}, which "
                        "Build(secrets=...) lists."
                    )
            self._warn(*write_host_lists(self.folder, config.prefix, rules, redirects))
        self._warn(*write_nginx(self.folder, config, rules, redirects))
        # The last file: its modification time is that of the build.
        write_manifest(self.folder / MANIFEST, config.base, files)
