"""What is in a new site?

`starter/` holds the files of two, each under its own name and `.in`, so that no tool takes them
for modules of the framework. `SITE_NAME` in them stands for the site's name.
"""

import html
import re
from pathlib import Path

_STARTER = Path(__file__).with_name("starter")
_MARK = "SITE_NAME"
_AT_HOME = {".git", ".venv"}  # what may be in a folder before there is a site


class NewSiteError(Exception):
    """A new site can't be written there; the text says why, and what to do."""


def write_site(folder: Path, *, minimal: bool = False) -> list[Path]:
    """The files, relative to `folder`, of the site just written there.

    The site is named like the folder, which is made if it isn't there. `minimal` leaves out all
    that a site can do without. Nothing is overwritten: `NewSiteError` if the folder holds
    anything but `.git` and `.venv`, or can't be written to.
    """
    source = _STARTER / ("minimal" if minimal else "full")
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if {path.name for path in folder.iterdir()} - _AT_HOME:
            raise NewSiteError(
                f"{folder}: is not empty.\n    Name a folder that is, or that isn't there yet."
            )
        name = _name_of(folder)
        for path in sorted(source.rglob("*.in")):
            file = path.relative_to(source).with_suffix("")
            target = folder / file
            target.parent.mkdir(parents=True, exist_ok=True)
            text = path.read_text(encoding="utf-8")
            with target.open("x", encoding="utf-8", newline="\n") as stream:
                stream.write(text.replace(_MARK, _escape(name, target)))
            written.append(file)
    except OSError as error:
        raise NewSiteError(
            f"{error.filename or folder}: {error.strerror}.\n"
            "    Name a folder that can be made and written to."
        ) from error
    return written


def _name_of(folder: Path) -> str:
    """The folder's name as one line of text.

    >>> _name_of(Path("/tmp/my  site"))
    'my site'
    """
    text = folder.resolve().name.encode("utf-8", "replace").decode()
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line or "Site"


def _escape(text: str, target: Path) -> str:
    r"""The text as the template or Markdown file has to have it to show it.

    >>> _escape("{{ 1 }} & co", Path("base.jinja"))
    '&#123;&#123; 1 }} &amp; co'
    >>> _escape("my_site [1]", Path("README.md"))
    'my\\_site \\[1\\]'
    """
    if target.suffix == ".jinja":
        return html.escape(text).replace("{", "&#123;")
    return re.sub(r"([!-,/:-@\[-`{-~])", r"\\\1", text)
