"""What can be done with a site from a terminal?"""

import argparse
import json
import logging
import os
import shlex
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..adapters import gunicorn
from ..app import App
from ..build.progress import ShownProgress
from ..build.run import Report, build
from ..errors import BuildError, Mistake, SiteError
from ..route import Route
from ..site.checks import LOCK, find_warnings, lock_text
from ..site.endpoints import METHODS
from ..site.redirects import CONFIG_FILE
from ..version import __version__
from . import dev as devserver
from . import preview
from .new import NewSiteError, write_site

_SLOWEST = 3  # routes that a build names
_EXAMPLES = """\
A site is a folder with src/pages in it; each file there is a route, its path the URL.

  framework new mysite              write a site to start from
  framework dev                     work on the site in this folder
  framework dev --port 8000         the same on another port
  framework --root mysite check     is anything wrong with the site in mysite?

Exit status: 0 fine, 1 the site has mistakes or can't be served, 2 wrong usage.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit status."""
    parser = _make_parser()
    args = parser.parse_args(argv)
    if not args.root.is_dir():
        parser.error(f"--root: there is no folder {args.root}")
    try:
        return args.command(args) or 0
    except (
        SiteError,
        BuildError,
        NewSiteError,
        devserver.DevServerError,
        preview.PreviewError,
    ) as error:
        print(error, file=sys.stderr)
        return 1
    except BrokenPipeError:  # who reads has seen enough: framework routes | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="framework",
        description="Develop, check and serve a site whose files are its routes.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"framework {__version__}")
    root = {"type": Path, "metavar": "DIR", "help": "the site's folder (default: this one)"}
    parser.add_argument("--root", default=Path(), **root)  # type: ignore[arg-type]
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def add(name: str, command: Any, help: str, more: str = "") -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=help, description=f"{help.capitalize()}. {more}")
        # Without a default: what stands before the command must not be overwritten.
        sub.add_argument("--root", default=argparse.SUPPRESS, **root)  # type: ignore[arg-type]
        sub.set_defaults(command=command)
        return sub

    new = add("new", _new, "write a small site to start from", "The folder's name is the site's.")
    new.add_argument(
        "folder", type=Path, metavar="DIR", help="the site's folder, empty or to be made"
    )
    new.add_argument("--minimal", action="store_true", help="three files, and nothing to take out")
    dev = add("dev", _dev, "serve the site while you work on it", "It reloads when you save.")
    start = add("start", _start, "serve the site in production", "Config(adapter=...) says how.")
    preview = add("preview", _preview, "serve the build", "A static site's as a static host would.")
    for sub in (dev, start, preview):
        sub.add_argument("--host", help="the address to listen on (default: the site's)")
        sub.add_argument("--port", type=_port, help="the port to listen on (default: the site's)")
    routes = add("routes", _routes, "list the routes in the order in which they match")
    routes.add_argument("--json", action="store_true", help="as JSON")
    routes.add_argument("--lock", action="store_true", help=f"write {LOCK}, which check reads")
    check = add("check", _check, "find every mistake in the site without serving it")
    check.add_argument("--strict", action="store_true", help="warnings are mistakes too")
    check.add_argument("--json", action="store_true", help="as JSON")
    build = add("build", _build, "write the prerendered routes and public/ to a folder")
    build.add_argument("--force", action="store_true", help="render what has not changed, too")
    build.add_argument("--explain", action="store_true", help="say why each file was rendered")
    build.add_argument("--verify", action="store_true", help="ask for every path again, compare")
    build.add_argument(
        "--jobs", type=_jobs, default=1, metavar="N", help="the number of processes (default: 1)"
    )
    explain = add("explain", _explain, "tell which file answers a request, and why not another")
    explain.add_argument("method", metavar="METHOD", help="GET, POST, ...")
    explain.add_argument("path", metavar="PATH", help="a path as a client sends it")
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 to 65535")
    return int(text)


def _jobs(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1024:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of processes, 1 or more")
    return int(text)


def _new(args: argparse.Namespace) -> None:
    folder = args.root / args.folder
    files = write_site(folder, minimal=args.minimal)
    shown = os.fsencode(folder).decode(errors="replace")
    print(f"Wrote {_count(len(files), 'file')} to {shown}\n\nNext:\n")
    if folder.resolve() != Path.cwd():
        print(f"  cd {shlex.quote(shown)}")
    print("  framework dev       serve it, and reload on every save")
    if not args.minimal:
        print("  python -m pytest    run its tests")


def _dev(args: argparse.Namespace) -> None:
    devserver.run(args.root.resolve(), host=args.host, port=args.port)


def _preview(args: argparse.Namespace) -> None:
    preview.run(args.root.resolve(), host=args.host, port=args.port)


def _start(args: argparse.Namespace) -> None:
    logging.basicConfig(
        level=logging.INFO,
        format="[%(asctime)s] [%(process)d] [%(levelname)s] %(message)s",
        datefmt="%Y-%m-%d %H:%M:%S %z",
    )
    root = args.root.resolve()
    # Every mistake is told here, before the port opens. What serves reads the site anew.
    with closing(App(root)) as app:
        config = app.config
    adapter = config.adapter or gunicorn()
    adapter.serve(
        lambda: App(root),
        host=args.host or config.server.host,
        port=config.server.port if args.port is None else args.port,
    )


def _routes(args: argparse.Namespace) -> None:
    with closing(App(args.root, mode="dev")) as app:
        routes = app.site.routes.all
        if args.lock:
            path = args.root / LOCK
            path.write_text(lock_text(app.site), encoding="utf-8")
            print(f"Wrote {path}: {_count(len(routes), 'route')}.")
            return
    if args.json:
        print(json.dumps([_describe(route) for route in routes], indent=2))
        return
    rows = [("METHODS", "PATTERN", "FILE", "PRERENDER")]
    for route in routes:
        methods = "any" if set(METHODS) <= set(route.handlers.methods) else None
        rows.append(
            (
                methods or " ".join(route.handlers.methods),
                route.pattern.text,
                _file_of(route),
                "yes" if route.prerender else "no",
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(map(str.ljust, row, widths)).rstrip())


def _describe(route: Route) -> dict[str, Any]:
    return {
        "pattern": route.pattern.text,
        "file": _file_of(route),
        "type": route.kind,
        "prerender": route.prerender,
        "methods": list(route.handlers.methods),
        "params": list(route.pattern.names),
    }


def _file_of(route: Route) -> str:
    return CONFIG_FILE if route.kind == "redirect" else route.file


def _check(args: argparse.Namespace) -> int:
    mistakes: Sequence[Mistake] = ()
    warnings: Sequence[Mistake] = ()
    routes = 0
    try:
        with closing(App(args.root, mode="dev")) as app:
            routes, warnings = len(app.site.routes.all), find_warnings(app.site)
    except SiteError as error:
        if not args.json:
            raise
        mistakes = error.mistakes
    if args.json:
        rows = {"mistakes": mistakes, "warnings": warnings}
        print(json.dumps({k: [asdict(one) for one in v] for k, v in rows.items()}, indent=2))
    else:
        for warning in warnings:
            print(f"Warning: {warning}")
        summary = [_count(routes, "route"), "no mistakes"]
        if warnings:
            summary.append(_count(len(warnings), "warning"))
        print(", ".join(summary))
    return 1 if mistakes or (args.strict and warnings) else 0


def _build(args: argparse.Namespace) -> int:
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    progress = ShownProgress(sys.stderr, explain=args.explain)
    try:
        report = build(
            args.root, force=args.force, jobs=args.jobs, verify=args.verify, progress=progress
        )
    except KeyboardInterrupt:
        print("Interrupted: the last build is as it was.", file=sys.stderr)
        return 130
    for warning in report.warnings:
        print(f"Warning: {warning}")
    _summarize(report)
    return 0


def _summarize(report: Report) -> None:
    rates = sorted(report.routes.items(), key=lambda item: -item[1][1])
    for place, (count, seconds) in rates[:_SLOWEST]:
        print(f"{seconds:7.2f} s  {_count(count, 'path'):>14}  {place}")
    parts = [f"{report.rendered:,} rendered", f"{report.kept:,} kept", f"{report.public:,} public"]
    if report.verified:
        parts.append(f"{report.verified:,} verified")
    print(
        f"Wrote {_count(report.files, 'file')} ({', '.join(parts)}), {report.size:,} bytes, "
        f"to {report.folder} in {report.seconds:.1f} s"
    )


def _explain(args: argparse.Namespace) -> int:
    with closing(App(args.root, mode="dev")) as app:
        try:
            print(app.explain(args.method, args.path))
        except ValueError as error:
            print(f"{args.method} {args.path} is answered with 400: {error}")
    return 0


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
