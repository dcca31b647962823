"""How does Markdown become HTML, and what does the header of a `.md` page say?

CommonMark with tables and ~~strikethrough~~. Markup in the text is text, unless it is asked for.
"""

import re

from markdown_it import MarkdownIt
from markupsafe import Markup

from ..errors import Mistake
from .frontmatter import FrontmatterError, split_fences

_PLAIN, _WITH_HTML = (
    MarkdownIt("commonmark", {"html": html}).enable(["table", "strikethrough"])
    for html in (False, True)
)
_LINE = re.compile(r"([A-Za-z]\w*)[ \t]*:(?:[ \t]+(.*))?", re.ASCII)
_FLAGS = {"true": True, "false": False}


def render_markdown(text: str, *, html: bool = False) -> Markup:
    """The HTML of a Markdown text; `html` lets markup in it through.

    Links lead nowhere that runs a script. https://spec.commonmark.org/

    >>> render_markdown("*Mouse* <b>& mat</b>")
    Markup('<p><em>Mouse</em> &lt;b&gt;&amp; mat&lt;/b&gt;</p>\\n')
    """
    return Markup((_WITH_HTML if html else _PLAIN).render(text))  # noqa: S704 - escaped by it


def markdown(value: str) -> Markup:
    """The filter: `{{ text | markdown }}`. What is marked as safe may hold markup."""
    if not isinstance(value, str):
        raise TypeError(f"The filter markdown takes text, not {type(value).__name__}.")
    return render_markdown(value, html=isinstance(value, Markup))


def split_header(source: str, file: str) -> tuple[dict[str, str | bool], dict[str, int], str]:
    """The header of a `.md` page, the line of each of its keys, and the text below it.

    A line is `key: value`. `true` and `false` are bools, anything else is text, as it is or
    between quotes. Empty lines and those that begin with `#` are skipped.

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
        found = _LINE.fullmatch(line)
        if found is None:
            remedy = "Write key: value, the key a name, both in one line."
            raise FrontmatterError(Mistake(f"{file}:{number}", f"can't be read: {line}", remedy))
        key, value = found[1], (found[2] or "").strip()
        if key in lines:
            what = f"{key} is in line {lines[key]} already"
            raise FrontmatterError(Mistake(f"{file}:{number}", what, "Keep one of them."))
        lines[key] = number
        values[key] = _FLAGS[value] if value in _FLAGS else _unquoted(value)
    return values, lines, text


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if quoted else value
