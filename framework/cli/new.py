"""`framework new`: write a new site.

`starter/` has the files of two sites. Each has the suffix `.in`, so that no tool takes it for a
module of the framework, and contains `SITE_NAME` where the name of the new site goes.
"""

import html
import os
import re
import shlex
from pathlib import Path

from ..errors import CommandError
from .terminal import counted

_STARTER = Path(__file__).with_name("starter")
_ALLOWED = {".git", ".venv"}  # a folder that contains only these counts as empty


def run(root: Path, *, folder: Path, minimal: bool) -> None:
    """Write a new site to the folder below `root`, and print what to do next."""
    folder = root / folder
    files = write_site(folder, minimal=minimal)
    shown = os.fsencode(folder).decode(errors="replace")
    print(f"Wrote {counted(len(files), 'file')} to {shown}\n\nNext:\n")
    if folder.resolve() != Path.cwd():
        print(f"  cd {shlex.quote(shown)}")
    print("  framework dev                      serve it, and reload on every save")
    if not minimal:
        print("  pip install -r requirements.txt    install pytest")
        print("  python -m pytest                   run its tests")


def write_site(folder: Path, *, minimal: bool = False) -> list[Path]:
    """Write a new site and return its files, relative to `folder`.

    The site is named after the folder, which is created if necessary. A `minimal` site has only
    the files that a site needs. Raises `CommandError` if the folder is not empty or cannot be
    written; existing files are never overwritten.
    """
    source = _STARTER / ("minimal" if minimal else "full")
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if {path.name for path in folder.iterdir()} - _ALLOWED:
            raise CommandError(
                f"{folder}: the folder is not empty.\n    Name an empty folder or a new one."
            )
        name = _name_of(folder)
        for path in sorted(source.rglob("*.in")):
            file = path.relative_to(source).with_suffix("")
            target = folder / file
            target.parent.mkdir(parents=True, exist_ok=True)
            text = path.read_text(encoding="utf-8").replace("SITE_NAME", escape_name(name, file))
            with target.open("x", encoding="utf-8", newline="\n") as stream:
                stream.write(text)
            written.append(file)
    except OSError as error:
        raise CommandError(
            f"{error.filename or folder}: {error.strerror}.\n    Name a folder that you can write."
        ) from error
    return written


def _name_of(folder: Path) -> str:
    """Return the folder's name as one line of text.

    >>> _name_of(Path("/tmp/my  site"))
    'my site'
    """
    text = folder.resolve().name.encode("utf-8", "replace").decode()
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line or "Site"


def escape_name(name: str, file: Path) -> str:
    r"""Escape the name for a template or a Markdown file.

    >>> escape_name("{{ 1 }} & co", Path("base.jinja"))
    '&#123;&#123; 1 }} &amp; co'
    >>> escape_name("my_site [1]", Path("README.md"))
    'my\\_site \\[1\\]'
    """
    if file.suffix == ".jinja":
        return html.escape(name).replace("{", "&#123;")
    return re.sub(r"([!-,/:-@\[-`{-~])", r"\\\1", name)
