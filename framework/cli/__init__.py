"""The command line. Each command is a module of this package: `run()` does its work."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from ..errors import BuildError, CommandError, SiteError, StaticPathsError
from ..version import __version__

_EPILOG = """\
A site is a folder that contains src/pages. Each file in src/pages is a route: its path is the URL.

  framework new mysite              create a site
  framework dev                     serve the site in the current folder while you work on it
  framework dev --port 8000         the same on another port
  framework --root mysite check     check the site in mysite for mistakes

Exit status: 0 success, 1 the site has mistakes or can't be served, 2 wrong usage.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    parser = _make_parser()
    args = parser.parse_args(argv)
    if not args.root.is_dir():
        parser.error(f"--root: folder not found: {args.root}")
    options = vars(args)
    # For a fast start, a command is imported only when it is used.
    command = import_module(f".{options.pop('command')}", __name__)
    try:
        return command.run(**options) or 0
    except (SiteError, StaticPathsError, BuildError, CommandError) as error:
        print(error, file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader has closed the pipe: framework routes | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="framework",
        description="Develop, check and serve a site whose files are its routes.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"framework {__version__}")
    help = "the site's folder (default: the current folder)"
    parser.add_argument("--root", type=Path, default=Path(), metavar="DIR", help=help)
    # After the command --root has no default, which would override a --root before it.
    common = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    common.add_argument("--root", type=Path, metavar="DIR", help=help)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def add(name: str, help: str, more: str = "") -> argparse.ArgumentParser:
        description = f"{help.capitalize()}. {more}"
        sub = commands.add_parser(name, help=help, description=description, parents=[common])
        sub.set_defaults(command=name)
        return sub

    new = add("new", "create a small site to start from", "It gets the name of its folder.")
    new.add_argument("folder", type=Path, metavar="DIR", help="a new or empty folder")
    new.add_argument("--minimal", action="store_true", help="write three files only")
    dev = add("dev", "serve the site while you work on it", "It reloads when you save.")
    start = add("start", "serve the site in production", "Config(adapter=...) chooses the server.")
    start.add_argument(
        "--server",
        choices=("gunicorn", "granian"),
        help="serve with its defaults, to try it (default: see Config(adapter=...))",
    )
    preview = add("preview", "serve the build", "For a static site it behaves like a static host.")
    for sub in (dev, start, preview):
        sub.add_argument(
            "--host", help="the address to listen on (default: see Config(server=...))"
        )
        sub.add_argument(
            "--port", type=_port, help="the port to listen on (default: see Config(server=...))"
        )
    routes = add("routes", "list the routes in the order in which they match")
    json: dict[str, Any] = {"dest": "as_json", "action": "store_true", "help": "print JSON"}
    routes.add_argument("--json", **json)
    routes.add_argument(
        "--lock", action="store_true", help="write routes.lock, with which check finds removed URLs"
    )
    check = add("check", "find every mistake in the site without serving it")
    check.add_argument("--strict", action="store_true", help="treat warnings as mistakes")
    check.add_argument("--json", **json)
    build = add("build", "write the prerendered routes and public/ to a folder")
    help = "the number of processes (default: as many as make the build faster)"
    build.add_argument("--jobs", type=_jobs, metavar="N", help=help)
    explain = add("explain", "show which file handles a request, and why no other does")
    explain.add_argument("method", metavar="METHOD", help="GET, POST, ...")
    explain.add_argument("path", metavar="PATH", help="a path as a client sends it")
    return parser


def _number(low: int, high: int, what: str) -> Callable[[str], int]:
    """Return a parser of an integer argument from `low` to `high`."""

    def parse(text: str) -> int:
        if not text.isdecimal() or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is not a {what} ({low}-{high})")
        return int(text)

    return parse


_port = _number(0, 65535, "port number")
_jobs = _number(1, 1024, "number of processes")
