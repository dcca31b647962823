"""How does a site become a folder of files?

Each prerendered route's GET runs once for each of its paths, through the whole application,
unless the last build has the file already and nothing that it was made from has changed. The
files are written beside the last build and take its place at the end, in one step.
"""

import time
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from unicodedata import normalize

from ..app import App
from ..site.checks import find_static_warnings
from ..errors import BuildError, StaticPathsError
from .clashes import explain_clash
from .encodings import find_encoders
from .folder import Workplace, find_target, workplace
from .inputs import Inputs, first_change
from .ledger import Ledger
from .lists import RESERVED, write_lists
from .maker import Made, Maker, Reasons
from .outputs import OutputError, find_sources
from .progress import Progress
from .reads import Reads
from .verify import verify_files
from .workers import Plan, make_here, make_in_processes

_MOST_TOLD = 50
_TICK = 0.01  # seconds that a file's time may be behind the clock


@dataclass(slots=True)
class Report:
    """What a build wrote: `rendered` and `kept` files of routes, `public` ones, in bytes `size`.

    `routes` has the number of rendered paths of each route's file and the seconds that they took.
    `verified` is how many paths were asked for again. `warnings` has each thing once.
    """

    folder: Path
    rendered: int = 0
    kept: int = 0
    public: int = 0
    size: int = 0
    seconds: float = 0.0
    verified: int = 0
    routes: dict[str, tuple[int, float]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    @property
    def files(self) -> int:
        """How many files there are, compressed variants and the build's own lists aside."""
        return self.rendered + self.kept + self.public

    def warn(self, text: str) -> None:
        """Warn of it, once."""
        if text not in self.warnings:
            self.warnings.append(text)


def build(
    root: Path,
    *,
    force: bool = False,
    jobs: int = 1,
    verify: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Write the site's prerendered routes and its public files to `build.out_dir`.

    `force` renders what the last build has, too. `jobs` is a number of processes. `verify` asks
    for every path again, in a process of its own, and compares.

    Raises `SiteError` for mistakes that start-up finds and `BuildError` for those that only a
    build can; either leaves the last build as it was.
    """
    begun = time.time()
    time.sleep(_TICK)  # what is written from here on has a later time
    root = root.resolve()
    report = Report(root)
    reads = Reads(root)
    with reads.on():
        app = App(root, mode="build")
    with closing(app):
        report.folder = target = find_target(root, app.config)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with workplace(target) as work:
                one = _Build(app, work, report, reads, begun, progress or Progress())
                one.write(None if force else work.ledger, jobs)
                if verify:
                    one.verify()
                work.finish()
        except OSError as error:
            raise BuildError(f"The site can't be built: {error}") from error
    report.seconds = time.time() - begun
    return report


class _Build:
    def __init__(
        self,
        app: App,
        work: Workplace,
        report: Report,
        reads: Reads,
        begun: float,
        progress: Progress,
    ) -> None:
        self.app = app
        self.work = work
        self.report = report
        self.reads = reads
        self.inputs = Inputs(app.site, begun, work.target)
        self.progress = progress
        self.asked: dict[str, Reads] = {}
        self.wrong: list[str] = []
        self.clashes: list[Made] = []
        wanted = app.config.build.compress
        on = app.config.output == "server" if wanted is None else wanted
        self.encoders = find_encoders() if on else {}

    def write(self, last: Path | None, jobs: int) -> None:
        """Write every file. `last` is the ledger of the last build, where that counts."""
        for name in RESERVED:
            (self.work.fresh / name).touch()
        for warning in find_static_warnings(self.app.site):
            self.report.warn(str(warning))
        plan = self._ask(whole=jobs > 1)
        if not plan and not self.wrong and self.app.config.output == "server":
            self.report.warn(
                "No route is prerendered. Set prerender = True in its file, or "
                'Config(output="static") for all of them.'
            )
        with closing(Ledger.make(self.work.fresh_ledger)) as ledger:
            reasons = self._compare(plan, ledger, last)
            maker = Maker(self.app, self.work, reasons, self.encoders, self.reads, self.asked)
            for name, why in maker.secrets.ignored.items():
                self.report.warn(f"Build(secrets=...): the value of {name} {why}.")
            self._copy_public(maker, ledger, last)
            self._make(maker, plan, ledger, last, jobs)
            self._refuse(ledger)
            self._note_inputs(ledger, last)
            for text in write_lists(self.work.fresh, self.app, ledger):
                self.report.warn(text)

    def verify(self) -> None:
        """Ask for every path again. Raises `BuildError` with all that differs."""
        total = self.report.rendered + self.report.kept
        found = verify_files(self.app.site.root, self.work, total, self.progress)
        self.report.verified = found.count
        for text in found.warnings:
            self.report.warn(text)
        if found.differences:
            raise BuildError(_told("The build is not what the site answers:", found.differences))

    def _ask(self, *, whole: bool) -> Plan:
        """Every route that becomes files, and its paths; `whole`: none are still to be yielded."""
        plan = []
        for route, static in find_sources(self.app):
            heard = self.asked[route.file] = Reads(self.app.site.root)
            try:
                with heard.on():
                    paths = static.list_paths(self.app.site.routes.url_for)
                    plan.append((route, paths.whole() if whole else paths))
            except StaticPathsError as error:
                self.wrong.append(str(error))
        return plan

    # --------------------------------------------------------- what is kept, and why not

    def _compare(self, plan: Plan, ledger: Ledger, last: Path | None) -> dict[str, Reasons]:
        """Why files of a route are rendered, by its place: all of them, and those without props.

        What routes are made from now goes into the ledger.
        """
        now = self.inputs.of_all() | {"what compresses": " ".join(self.encoders) or "nothing"}
        ledger.set_inputs(Ledger.ALL, now)
        patterns = {route.pattern.text: "" for route in self.app.site.routes.all}
        ledger.set_inputs(Ledger.PATTERNS, patterns)
        of_routes = {route.file: self.inputs.of_route(route) for route, _ in plan}
        for place, digests in of_routes.items():
            ledger.set_inputs(place, digests)
        before = None if last is None else Ledger.find(last)
        if before is None:
            because = "--force" if last is None else "there is no last build to go by"
            return dict.fromkeys(of_routes, (because, None))
        with closing(before):
            gone = sorted(before.inputs(Ledger.PATTERNS).keys() - patterns)
            reason = (
                first_change(before.inputs(Ledger.ALL), now)
                or self._changed_read(before, "", self.reads)
                or (f"there is no route {gone[0]} any more" if gone else None)
            )
            lists = [(r, self._changed_read(before, r.file, self.asked[r.file])) for r, _ in plan]
            changed = [(route, reason) for route, reason in lists if reason is not None]
            return {
                route.file: (
                    reason or first_change(before.inputs(route.file), of_routes[route.file]),
                    next((why for one, why in changed if self.inputs.share(one, route)), None),
                )
                for route, _ in plan
            }

    def _changed_read(self, before: Ledger, place: str, heard: Reads) -> str | None:
        """Why what was read last time counts as changed; `place` listed its paths with it."""
        doubts = sorted({*heard.doubts, *before.inputs(Ledger.DOUBTS + place)})
        if doubts:
            return f"{doubts[0]}, so what it depends on can't be told"
        read = before.inputs(Ledger.READ + place)
        return first_change(read, read | self.inputs.of_reads(heard)) or first_change(
            read, self.inputs.again(read)
        )

    def _note_inputs(self, ledger: Ledger, last: Path | None) -> None:
        """Put into the ledger what was read while paths were listed and files were made, and what
        those that were kept were made from.
        """
        before = Ledger.find(last) if last is not None and self.report.kept else None
        with closing(before) if before is not None else nullcontext():
            for place, heard in {"": self.reads, **self.asked}.items():
                scope = Ledger.READ + place
                kept = self.inputs.again(before.inputs(scope)) if before is not None else {}
                ledger.set_inputs(scope, kept | self.inputs.of_reads(heard))
                ledger.set_inputs(Ledger.DOUBTS + place, dict.fromkeys(heard.doubts, ""))

    # --------------------------------------------------------------------------- files

    def _copy_public(self, maker: Maker, ledger: Ledger, last: Path | None) -> None:
        public = self.app.site.root / "public"
        with maker.looking_into(last):
            for source in self.app.site.files.values():
                relative = Path(source.path).relative_to(public).as_posix()
                try:
                    file = maker.copy(source, normalize("NFC", relative), f"public/{relative}")
                except OutputError as error:
                    self.wrong.append(str(error))
                    continue
                ledger.add(file)
                self.report.public += 1
                self.report.size += file.size

    def _make(self, maker: Maker, plan: Plan, ledger: Ledger, last: Path | None, jobs: int) -> None:
        if jobs == 1:
            stream = make_here(maker, plan, last)
        else:
            stream = make_in_processes(maker, plan, last, jobs, self.report.warnings)
        sizes = [paths.size for _, paths in plan]
        total = None if None in sizes else sum(size or 0 for size in sizes)
        self.progress.begin("Building", total)
        try:
            with closing(stream):
                for made in stream:
                    self._take(made, ledger)
                    self.progress.made(made)
        finally:
            self.progress.end()

    def _take(self, made: Made, ledger: Ledger) -> None:
        if made.fault:
            self.wrong.append(made.fault)
        if made.clash:
            self.clashes.append(made)
        if made.written is None:
            return
        ledger.add(made.written)
        report = self.report
        report.size += made.written.size
        if made.reason is None:
            report.kept += 1
            return
        report.rendered += 1
        count, seconds = report.routes.get(made.place, (0, 0.0))
        report.routes[made.place] = (count + 1, seconds + made.seconds)

    def _refuse(self, ledger: Ledger) -> None:
        ranks = {route.file: number for number, route in enumerate(self.app.site.routes.all)}
        for made in self.clashes:
            self.wrong.append(explain_clash(made, ledger, lambda place: ranks.get(place, -1)))
        if self.wrong:
            raise BuildError(_told("The site can't be built:", self.wrong))


def _told(head: str, texts: list[str]) -> str:
    told = sorted(set(texts))
    more = [f"And {len(told) - _MOST_TOLD} more."] if len(told) > _MOST_TOLD else []
    return "\n".join([head, *told[:_MOST_TOLD], *more])
