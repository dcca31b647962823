"""Render Markdown.

Markdown is CommonMark with tables and ~~strikethrough~~. HTML in the text is escaped by default.
"""

from markdown_it import MarkdownIt
from markupsafe import Markup

_ESCAPING, _WITH_HTML = (
    MarkdownIt("commonmark", {"html": html}).enable(["table", "strikethrough"])
    for html in (False, True)
)


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
