"""Render Markdown, and parse the header of a `.md` page.

Markdown is CommonMark with tables and ~~strikethrough~~. HTML in the text is escaped by default.
"""

import re

from markdown_it import MarkdownIt
from markupsafe import Markup

from ..errors import Mistake
from .frontmatter import split_fences
from .modules import LoadError

_ESCAPING, _WITH_HTML = (
    MarkdownIt("commonmark", {"html": html}).enable(["table", "strikethrough"])
    for html in (False, True)
)
_LINE = re.compile(r"([A-Za-z]\w*)[ \t]*:(?:[ \t]+(.*))?", re.ASCII)
_FLAGS = {"true": True, "false": False}


def render_markdown(text: str, *, html: bool = False) -> Markup:
    """Return the HTML of a Markdown text; with `html`, HTML in the text is kept.

    Links with a scheme that runs scripts stay text. https://spec.commonmark.org/

    >>> render_markdown("*Mouse* <b>& mat</b>")
    Markup('<p><em>Mouse</em> &lt;b&gt;&amp; mat&lt;/b&gt;</p>\\n')
    """
    return Markup((_WITH_HTML if html else _ESCAPING).render(text))  # noqa: S704 - escaped


def markdown(value: str) -> Markup:
    """The template filter: `{{ text | markdown }}`. It keeps the HTML of text marked as safe."""
    if not isinstance(value, str):
        raise TypeError(f"The filter markdown takes a str, not {type(value).__name__}.")
    return render_markdown(value, html=isinstance(value, Markup))


def split_header(source: str, file: str) -> tuple[dict[str, str | bool], dict[str, int], str]:
    """Split a `.md` page into the values of its header, their line numbers, and the text below.

    Each line is `key: value`. A value is a bool if it is `true` or `false`, else text, with or
    without quotes. Empty lines and lines that begin with `#` are ignored.

    >>> split_header("---\\ntitle: Hello\\ndraft: false\\n---\\n# Hi", "a.md")
    ({'title': 'Hello', 'draft': False}, {'title': 2, 'draft': 3}, '# Hi')
    """
    header, text = split_fences(source, file)
    values: dict[str, str | bool] = {}
    lines: dict[str, int] = {}
    for number, line in enumerate(header or (), 2):
        line = line.rstrip()
        if not line or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            what = f'expected "key: value", found "{line}"'
            remedy = "Write a name, a colon and the value in one line, as in title: Hello"
            raise LoadError(Mistake(f"{file}:{number}", what, remedy))
        key, value = match[1], (match[2] or "").strip()
        if key in lines:
            what = f"line {lines[key]} already sets {key}"
            raise LoadError(Mistake(f"{file}:{number}", what, "Remove one of the lines."))
        lines[key] = number
        values[key] = _FLAGS[value] if value in _FLAGS else _unquote(value)
    return values, lines, text


def _unquote(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if quoted else value
