"""Markdown: safe HTML."""

from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from framework.site.markdown import markdown, render_markdown

BLOCKS = ["p", "blockquote", "pre", "hr", "ul", "ol", "li", "h1", "h2", "h3", "h4", "h5", "h6"]
INLINE = ["em", "strong", "s", "a", "img", "code", "br"]
TABLES = ["table", "thead", "tbody", "tr", "th", "td"]
ALLOWED_TAGS = {*BLOCKS, *INLINE, *TABLES}
ALLOWED_ATTRIBUTES = {"href", "src", "alt", "title", "class", "start", "style"}


class TagParser(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, attrs))


def test_markdown_has_tables_and_strikethrough() -> None:
    assert render_markdown("# *A*\n\n~~b~~\n\n|c|\n|-|\n|d|\n") == (
        "<h1><em>A</em></h1>\n<p><s>b</s></p>\n<table>\n<thead>\n<tr>\n<th>c</th>\n</tr>\n"
        "</thead>\n<tbody>\n<tr>\n<td>d</td>\n</tr>\n</tbody>\n</table>\n"
    )


def test_the_result_is_marked_as_safe() -> None:
    assert type(markdown("x")) is Markup


def test_html_is_escaped_unless_the_text_is_marked_as_safe() -> None:
    assert markdown("<b>x</b>") == "<p>&lt;b&gt;x&lt;/b&gt;</p>\n"
    assert markdown(Markup("<b>x</b>")) == "<p><b>x</b></p>\n"


def test_escaped_parts_of_safe_text_stay_escaped() -> None:
    text = Markup("<b>{}</b>").format("<script>alert(1)</script>")
    assert markdown(text) == "<p><b>&lt;script&gt;alert(1)&lt;/script&gt;</b></p>\n"


@pytest.mark.parametrize("link", ["javascript:alert(1)", "JaVaScRiPt:x", "vbscript:x", "file:///x"])
def test_links_run_no_scripts(link: str) -> None:
    html = markdown(f"[x]({link}) <{link}> ![x]({link})")
    assert all(tag == "p" for tag, _ in TagParser(html).tags)


@pytest.mark.parametrize("value", [None, 1, b"x"])
def test_the_filter_takes_text_only(value: Any) -> None:
    with pytest.raises(TypeError, match=f"takes a str, not {type(value).__name__}"):
        markdown(value)


PIECES = st.sampled_from(
    [
        "<script>",
        "</p>",
        "<img onerror=x>",
        "](javascript:x)",
        "[a",
        "![",
        "`",
        "```\n",
        "&lt;",
        '"',
    ]
)


@given(st.lists(st.one_of(st.text(), PIECES)).map("".join))
def test_no_text_adds_other_tags_or_attributes(text: str) -> None:
    for tag, attributes in TagParser(markdown(text)).tags:
        assert tag in ALLOWED_TAGS
        for name, value in attributes:
            assert name in ALLOWED_ATTRIBUTES
            assert not (value or "").strip().lower().startswith(("javascript:", "vbscript:"))
