"""Markdown: safe HTML."""

import sys
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markupsafe import Markup
from mdit_py_plugins.deflist import deflist_plugin

from framework import Config
from framework.site.markdown import Markdown
from tests.conftest import SiteMaker

BLOCKS = ["p", "blockquote", "pre", "hr", "ul", "ol", "li", "h1", "h2", "h3", "h4", "h5", "h6"]
INLINE = ["em", "strong", "s", "a", "img", "code", "br"]
TABLES = ["table", "thead", "tbody", "tr", "th", "td"]
OTHER = ["input", "sup", "section"]
ALLOWED_TAGS = {*BLOCKS, *INLINE, *TABLES, *OTHER}
ALLOWED_ATTRIBUTES = {"href", "src", "alt", "title", "class", "start", "style", "id"} | {
    "checked",
    "disabled",
    "type",
}

markdown = Markdown().render


class TagParser(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, attrs))


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("~~b~~", "<p><s>b</s></p>"),
        ("|c|\n|-|\n|d|", "<th>c</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td>d</td>"),
        ("x\n|c|\n|-|\n|d|", "<p>x</p>\n<table>"),
        (
            "see https://a.example/b?c=1&d.",
            '<p>see <a href="https://a.example/b?c=1&amp;d">https://a.example/b?c=1&amp;d</a>.</p>',
        ),
        ("a@b.org", '<a href="mailto:a@b.org">a@b.org</a>'),
        ("README.md and config.py", "<p>README.md and config.py</p>"),
        ("`https://a.example`", "<p><code>https://a.example</code></p>"),
        (
            "- [ ] a\n- [x] b",
            '<li class="task-list-item"><input class="task-list-item-checkbox" disabled="" '
            'type="checkbox"> a</li>',
        ),
        ("a[^n]\n\n[^n]: *note*", '<sup class="footnote-ref"><a href="#fn1" id="fnref1">'),
        ("a[^n]\n\n[^n]: *note*", '<li id="fn1" class="footnote-item"><p><em>note</em> '),
        ("a[^n] x^[2]", "<p>a[^n] x^[2]</p>"),
    ],
)
def test_markdown_has_what_github_has(text: str, html: str) -> None:
    assert html in markdown(text)


def test_each_heading_has_an_id_of_its_own() -> None:
    text = "# A *b* `c_d`, e!\n## Hi\n## Hi\n### hi-1\n## Hi\n# हिन्दी é\n# !?\nTwo\nlines\n===\n"
    ids = [dict(attrs).get("id") for tag, attrs in TagParser(markdown(text)).tags if tag[0] == "h"]
    assert ids == ["a-b-c_d-e", "hi", "hi-1", "hi-1-1", "hi-2", "हिन्दी-é", None, "two-lines"]


# Each text is once n and once 4 n long. What is counted are the lines of Python that run.
GROWING = {
    "brackets": "[",
    "images": "![",
    "links": "[a](",
    "labels": "[a\n",
    "closed": "[a]",
    "quotes": "> ",
    "emphasis": "*a_ ",
    "strikethrough": "~~a ",
    "code": "``a`",
    "tags": "<a b='",
    "comments": "<!--",
    "references": "[a]: x '\n",
    "entities": "&#",
    "table": "|a|b\n|-|-\n",
    "many tables": "a|\n-|\n# |\n",
    "lists": "- ",
    "items": "- a\n",
    "tasks": "- [ ] a\n",
    "headings": "# a\n",
    "colliding headings": "# a\n# a-1\n",
    "underlined": "a\n==\n",
    "urls": "http://a.b/(",
    "colons": ":",
    "addresses": "a@b.c ",
    "footnotes": "[^a]",
    "definitions": "[^a]: [^a]\n\n",
}


def count_lines(text: str) -> int:
    count = 0

    def trace(frame: Any, event: str, arg: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        markdown(text)
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("piece", GROWING.values(), ids=GROWING)
def test_the_cost_grows_with_the_length_of_the_text(piece: str) -> None:
    short, long = (count_lines(piece * (size // len(piece))) for size in (250, 1000))
    assert long < 6 * short


def test_a_table_gets_a_bounded_number_of_empty_cells() -> None:
    head = f"{'|a' * 100}|\n{'|-' * 100}|\n"
    html = markdown(head + "|b|\n" * 1000)
    assert 500 <= html.count("<td>") <= 2000
    assert html.count("b") >= 1000
    full = f"{'|b' * 100}|\n" * 30
    assert markdown(head + full).count("<td>b</td>") == 3000


def test_a_site_may_configure_its_markdown(site: SiteMaker) -> None:
    def configure(parser: MarkdownIt) -> None:
        parser.use(deflist_plugin)
        parser.options["typographer"] = True
        parser.enable(["replacements"])

    shop = site(
        {
            "src/pages/p.md": "a\n: (c)\n",
            "src/pages/q.jinja": "{{ '(c)' | markdown }}{{ markdown('(r)') }}",
            "src/pages/feed.py": "from framework import Response\n\n"
            "def GET(markdown):\n    return Response(markdown('*(tm)* <b>'))\n",
        },
        config=Config(markdown=configure),
    )
    assert shop.get("/p").text() == "<dl>\n<dt>a</dt>\n<dd>©</dd>\n</dl>\n"
    assert shop.get("/q").text() == "<p>©</p>\n<p>®</p>\n"
    assert shop.get("/feed").text() == "<p><em>™</em> &lt;b&gt;</p>\n"


def test_a_failing_configuration_of_markdown_is_a_mistake(site: SiteMaker) -> None:
    def configure(parser: MarkdownIt) -> None:
        parser.enable("tabels")

    assert (
        "framework.config.py: the function markdown raised ValueError: "
        in site({"src/pages/p.md": "x"}, config=Config(markdown=configure)).errors()
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
def test_only_text_is_rendered(value: Any) -> None:
    with pytest.raises(TypeError, match=f"from a str, not from {type(value).__name__}"):
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
        "[^a]",
        "\n\n[^a]: ",
        "\n# ",
        "\n- [x] ",
        " https://a.example/",
    ]
)


@given(st.lists(st.one_of(st.text(), PIECES)).map("".join))
def test_no_text_adds_other_tags_or_attributes(text: str) -> None:
    for tag, attributes in TagParser(markdown(text)).tags:
        assert tag in ALLOWED_TAGS
        for name, value in attributes:
            assert name in ALLOWED_ATTRIBUTES
            assert not (value or "").strip().lower().startswith(("javascript:", "vbscript:"))
