"""Render Markdown.

Markdown is CommonMark with tables, ~~strikethrough~~, task lists, footnotes, links made of URLs, and
ids of headings. The time to render a text is in proportion to its length.
"""

import unicodedata
from collections.abc import Callable
from types import FunctionType

from markdown_it import MarkdownIt
from markdown_it.rules_block import table
from markdown_it.rules_core import StateCore
from markupsafe import Markup
from mdit_py_plugins.footnote import footnote_plugin

# A row may have fewer cells than the first one. A table ends where it would get more empty cells than
# this. The library's own limit is 65,536: a text of 7 kB then takes more than a second.
_LIMITS = {"MAX_AUTOCOMPLETED_CELLS": 1000}
_parse_table = FunctionType(table.__code__, {**table.__globals__, **_LIMITS})


class Markdown:
    """The Markdown of a site. Threads may share it.

    `configure` changes the parser: it adds plugins, or sets options.
    https://markdown-it-py.readthedocs.io/en/latest/using.html
    """

    def __init__(self, configure: Callable[[MarkdownIt], object] | None = None) -> None:
        self._escaping, self._with_html = (_make_parser(html, configure) for html in (False, True))

    def render(self, text: str) -> Markup:
        """Return the HTML of a Markdown text. HTML in it is escaped, unless the text is `Markup`.

        Links with a scheme that runs scripts stay text. https://spec.commonmark.org/

        >>> Markdown().render("*Mouse* <b>& mat</b>")
        Markup('<p><em>Mouse</em> &lt;b&gt;&amp; mat&lt;/b&gt;</p>\\n')
        """
        if not isinstance(text, str):
            raise TypeError(f"Markdown is rendered from a str, not from {type(text).__name__}.")
        parser = self._with_html if isinstance(text, Markup) else self._escaping
        return Markup(parser.render(text))  # noqa: S704 - escaped, or marked as safe


def _make_parser(html: bool, configure: Callable[[MarkdownIt], object] | None) -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": html, "linkify": True, "tasklists": True})
    parser.enable(["table", "strikethrough", "linkify"])
    parser.block.ruler.at("table", _parse_table, {"alt": ["paragraph", "reference"]})
    parser.use(footnote_plugin, inline=False)
    parser.core.ruler.push("heading_ids", _add_heading_ids)
    # Without this, README.md is a link to a host in Moldova.
    parser.linkify.set({"fuzzy_link": False})  # type: ignore[union-attr]
    if configure is not None:
        configure(parser)
    inline = parser.inline
    for ruler in (parser.core.ruler, parser.block.ruler, inline.ruler, inline.ruler2):
        ruler.getRules("")  # the first call compiles the rules, which threads must not do at once
    return parser


def _add_heading_ids(state: StateCore) -> None:
    """Give each heading an id made of its text, as GitHub does: `id="quiet-keys-1"`."""
    used = {token.attrGet("id") for token in state.tokens}
    numbers: dict[str, int] = {}
    for opening, inline in zip(state.tokens, state.tokens[1:], strict=False):
        if opening.type != "heading_open" or opening.attrGet("id"):
            continue
        base = unique = _make_id(
            "".join(
                " " if child.type == "softbreak" else child.content
                for child in inline.children or ()
                if child.type in ("text", "code_inline", "softbreak")
            )
        )
        while unique in used:
            numbers[base] = numbers.get(base, 0) + 1
            unique = f"{base}-{numbers[base]}"
        if base:
            used.add(unique)
            opening.attrSet("id", unique)


def _make_id(title: str) -> str:
    """Return the letters, marks, digits, `-` and `_` of a title, in lower case; spaces are `-`."""
    return "".join(
        character
        for character in "-".join(title.lower().split(" "))
        if character in "-_" or unicodedata.category(character)[0] in "LMN"
    )
