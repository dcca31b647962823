"""Markdown: safe HTML, and the header of a `.md` page."""

from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from framework.site.markdown import markdown, render_markdown, split_header
from framework.site.modules import LoadError

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


# ------------------------------------------------------------------- headers


def test_a_page_may_have_no_header() -> None:
    assert split_header("# Hi\n---\nx: y\n---\n", "a.md") == ({}, {}, "# Hi\n---\nx: y\n---\n")


def test_values_are_text_except_true_and_false() -> None:
    header = (
        "title: Keyboards: an overview\nversion: 1.10\nlang: no\ndraft: true\nopen: false \n"
        "quoted: 'true'\nspaced: \" x \"\nhalf: 'x\none: '\nempty:\nblank: \n"
    )
    values, _, text = split_header(f"---\n{header}---\nbody", "a.md")
    assert text == "body"
    assert values == {
        "title": "Keyboards: an overview",
        "version": "1.10",
        "lang": "no",
        "draft": True,
        "open": False,
        "quoted": "true",
        "spaced": " x ",
        "half": "'x",
        "one": "'",
        "empty": "",
        "blank": "",
    }


def test_each_key_has_a_line_number() -> None:
    source = "\ufeff---\r\n# a remark\r\n\r\na: 1\r\nb: 2\r\n---\r\nx"
    assert split_header(source, "a.md") == ({"a": "1", "b": "2"}, {"a": 4, "b": 5}, "x")


@pytest.mark.parametrize(
    ("header", "text"),
    [
        (
            "tags:\n  - a",
            'a.md:3: expected "key: value", found "  - a"\n    Write a name, a colon and',
        ),
        ("no colon", 'a.md:2: expected "key: value", found "no colon"\n'),
        ("my-key: x", 'a.md:2: expected "key: value", found "my-key: x"\n'),
        ("a:x", 'a.md:2: expected "key: value", found "a:x"\n'),
        ("a: 1\na: 2", "a.md:3: line 2 already sets a\n    Remove one of the lines."),
    ],
)
def test_an_invalid_line_is_a_mistake(header: str, text: str) -> None:
    with pytest.raises(LoadError) as caught:
        split_header(f"---\n{header}\n---\n", "a.md")
    assert str(caught.value).startswith(text)


def test_a_header_without_an_end_is_a_mistake() -> None:
    with pytest.raises(LoadError, match=r"a\.md:1: the frontmatter has no end"):
        split_header("---\na: 1\n", "a.md")


@given(
    st.dictionaries(
        st.from_regex(r"[A-Za-z]\w{0,9}", fullmatch=True).filter(str.isascii),
        st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\u2028\u2029")),
    ),
    st.text(),
)
def test_quoted_values_are_parsed_exactly(values: dict[str, str], text: str) -> None:
    header = "".join(f'{key}: "{value}"\n' for key, value in values.items())
    read, lines, rest = split_header(f"---\n{header}---\n{text}", "a.md")
    assert (read, rest) == (values, text)
    assert list(lines.values()) == list(range(2, 2 + len(values)))
