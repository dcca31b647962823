"""Pages: templates with frontmatter, from file to response."""

import importlib
import logging
from typing import Any

import pytest

from framework import Config
from tests.conftest import SiteMaker, TestSite, make_environ


def page(site: SiteMaker, text: str, **more: str) -> TestSite:
    return site({"src/pages/page.jinja": text, **more})


def test_a_page_is_html(site: SiteMaker) -> None:
    response = page(site, "<h1>Hello</h1>\n").get("/page")
    assert (response.status, response.text()) == (200, "<h1>Hello</h1>\n")
    assert response.headers["content-type"] == "text/html;charset=UTF-8"


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("feed.xml", "text/xml;charset=UTF-8"),
        ("robots.txt", "text/plain;charset=UTF-8"),
        ("data.json", "application/json"),
        ("feed.rss", "application/rss+xml"),
        ("v1.0", "text/html;charset=UTF-8"),
        ("plain", "text/html;charset=UTF-8"),
    ],
)
def test_the_suffix_decides_the_content_type(site: SiteMaker, name: str, content_type: str) -> None:
    response = site({f"src/pages/{name}.jinja": "x"}).get(f"/{name}")
    assert response.headers["content-type"] == content_type


def test_variables_are_escaped(site: SiteMaker) -> None:
    text = "---\nx = '<b>\"&\\''\n---\n{{ x }}{{ url.search_params.get('q') }}"
    response = page(site, text).get("/page?q=<script>")
    assert response.text() == "&lt;b&gt;&#34;&amp;&#39;&lt;script&gt;"


def test_layouts_and_components_are_found_below_src(site: SiteMaker) -> None:
    response = page(
        site,
        "---\nname = 'Ada'\n---\n{% extends 'layouts/base.jinja' %}\n"
        "{% from 'components/card.jinja' import card %}\n"
        "{% block main %}{{ card(name) }} at {{ url.pathname }}{% endblock %}",
        **{
            "src/layouts/base.jinja": "<main>{% block main %}{% endblock %}</main>"
            "{% include 'components/foot.jinja' %}",
            "src/components/card.jinja": "{% macro card(name) %}<b>{{ name }}</b>{% endmacro %}",
            "src/components/foot.jinja": "<i>{{ route_pattern }} {{ name }}</i>",
        },
    ).get("/page")
    assert response.text().strip() == "<main><b>Ada</b> at /page</main><i>/page Ada</i>"


def test_frontmatter_may_replace_names_of_the_context(site: SiteMaker) -> None:
    text = (
        "---\nurl = 'mine'\ncontext = 'also mine'\nresponse = 'and this'\n---\n"
        "{{ url }} {{ context }} {{ response }} {{ route_pattern }} {{ url_for('/page') }}"
    )
    assert page(site, text).get("/page").text().strip() == "mine also mine and this /page /page"


def test_a_page_without_frontmatter_has_context_and_response(site: SiteMaker) -> None:
    text = "{{ context.url.pathname }} {{ response.status }}"
    assert page(site, text).get("/page").text() == "/page 200"


def test_frontmatter_has_the_web_classes(site: SiteMaker) -> None:
    text = (
        "---\nquery = URLSearchParams({'a': 'b'})\n"
        "return Response.json([str(query), str(URL('/x', url)), Headers({'A': '1'})['a'],\n"
        "    Request(url).method, len(list(FormData())), File('x', 'y').name])\n---\n"
    )
    assert page(site, text).get("/page").json() == ["a=b", "http://localhost/x", "1", "GET", 0, "y"]


def test_an_undefined_name_is_an_error(site: SiteMaker, caplog: Any) -> None:
    assert page(site, "{{ unknown }}").get("/page").status == 500
    assert "'unknown' is undefined" in caplog.text
    assert 'pages/page.jinja", line 1' in caplog.text


def test_an_error_in_a_template_names_its_line(site: SiteMaker, caplog: Any) -> None:
    assert page(site, "---\nx = 1\n---\n<p>\n{{ x // 0 }}\n").get("/page").status == 500
    assert 'pages/page.jinja", line 5' in caplog.text


def test_a_page_may_set_status_status_text_and_headers(site: SiteMaker) -> None:
    response = page(
        site,
        "---\nresponse.status = 418\nresponse.status_text = 'Short and stout'\n"
        "response.headers.set('x-a', '1')\n"
        "response.headers.set('content-type', 'text/plain')\n---\ntea",
    ).get("/page")
    assert (response.status, response.status_text) == (418, "Short and stout")
    assert response.headers["x-a"] == "1"
    assert response.headers["content-type"] == "text/plain"


def test_each_request_has_its_own_status(site: SiteMaker) -> None:
    text = "---\nif url.search:\n    response.status = 410\n---\nx"
    shop = page(site, text)
    assert [shop.get(p).status for p in ("/page?x", "/page")] == [410, 200]


def test_an_unknown_attribute_of_response_is_an_error(site: SiteMaker, caplog: Any) -> None:
    assert page(site, "---\nresponse.stats = 410\n---\nx").get("/page").status == 500
    assert "has no attribute 'stats'" in caplog.text


def test_frontmatter_may_return_a_response(site: SiteMaker) -> None:
    response = page(site, "---\nreturn Response('early', status=202)\n---\nx").get("/page")
    assert (response.status, response.text()) == (202, "early")


def test_frontmatter_may_await(site: SiteMaker) -> None:
    text = "---\nimport asyncio\nx = await asyncio.sleep(0, 'slept')\n---\n{{ x }}"
    assert page(site, text).get("/page").text().strip() == "slept"


def test_frontmatter_may_await_and_return(site: SiteMaker) -> None:
    text = "---\nimport asyncio\nreturn await asyncio.sleep(0, Response('slept'))\n---\n"
    assert page(site, text).get("/page").text() == "slept"


@pytest.mark.parametrize(
    ("code", "name", "advice"),
    [
        ("return", "None", "Is a return missing? End it with: return Response(...)"),
        ("return 'x'", "str", "End it with: return Response(text)"),
    ],
)
def test_returning_something_else_is_an_error(
    site: SiteMaker, caplog: Any, code: str, name: str, advice: str
) -> None:
    assert page(site, f"---\n{code}\n---\n").get("/page").status == 500
    assert (
        f"src/pages/page.jinja: the frontmatter returned {name}, but a handler returns a Response. "
        f"{advice}\n"
    ) in caplog.text


@pytest.mark.parametrize("status", [404, 500])
def test_a_null_body_shows_the_error_page(site: SiteMaker, status: int) -> None:
    shop = page(
        site,
        f"---\nreturn Response(None, status={status})\n---\n",
        **{f"src/pages/{status}.jinja": f"the page for {status}"},
    )
    response = shop.get("/page")
    assert (response.status, response.text()) == (status, f"the page for {status}")


def test_a_404_with_a_body_is_sent_unchanged(site: SiteMaker) -> None:
    shop = page(
        site,
        "---\nreturn Response('', status=404)\n---\n",
        **{"src/pages/404.jinja": "the page for 404"},
    )
    assert shop.get("/page").text() == ""


def test_a_page_that_does_not_use_the_request_allows_get_and_head(
    site: SiteMaker,
) -> None:
    shop = page(site, "<p>{{ url.pathname }}</p>")
    assert shop.request("HEAD", "/page").headers["content-length"] == "12"
    refused = shop.post("/page")
    assert (refused.status, refused.headers["allow"]) == (405, "GET, HEAD, OPTIONS")


@pytest.mark.parametrize("name", ["request", "context.request"])
def test_a_page_that_uses_the_request_allows_every_method(site: SiteMaker, name: str) -> None:
    shop = page(site, f"---\nm = {name}.method\n---\n{{{{ m }}}}")
    assert shop.post("/page").text().strip() == "POST"


def test_frontmatter_may_use_relative_imports(site: SiteMaker) -> None:
    shop = page(
        site,
        "---\nfrom ._near import VALUE\nfrom lib.far import OTHER\n---\n{{ VALUE }}{{ OTHER }}",
        **{"src/pages/_near.py": "VALUE = 1\n", "src/lib/far.py": "OTHER = 2\n"},
    )
    assert shop.get("/page").text().strip() == "12"


# ----------------------------------------------------------------- streaming

LONG = """---
import lib.rows
response.stream = True
response.status = 203
response.headers.set("x-a", "1")
rows = lib.rows.make()
---
<ul>
{% for row in rows %}<li>{{ row }}</li>
{% endfor %}</ul>
"""
ROWS = """seen = []


def make():
    try:
        for number in range(2000):
            seen.append(number)
            yield f"<{number}>" if number != FAILS_AT else 1 // 0
    finally:
        seen.append("closed")
"""


def streamed(site: SiteMaker, fails_at: int = -1, method: str = "GET") -> Any:
    """The body of a long page, the calls of `start_response`, and the rows rendered so far."""
    shop = page(site, LONG, **{"src/lib/rows.py": ROWS.replace("FAILS_AT", str(fails_at))})
    started: list[Any] = []
    body = shop.app(make_environ(method, "/page"), lambda *given: started.append(given))
    return body, started, importlib.import_module("lib.rows").seen


def test_a_long_page_is_sent_in_chunks(site: SiteMaker) -> None:
    body, started, seen = streamed(site)
    first = len(seen)
    assert 0 < first < 1000
    chunks = list(body)
    body.close()
    assert len(chunks) > 2
    assert min(map(len, chunks[:-1])) >= 8 * 1024
    assert b"".join(chunks).decode() == (
        "<ul>\n" + "".join(f"<li>&lt;{n}&gt;</li>\n" for n in range(2000)) + "</ul>\n"
    )
    ((status, headers),) = started
    assert status == "203 Non-Authoritative Information"
    assert dict(headers) == {"content-type": "text/html;charset=UTF-8", "x-a": "1"}


def test_closing_the_body_early_closes_the_generator(site: SiteMaker) -> None:
    body, _, seen = streamed(site)
    next(iter(body))
    assert "closed" not in seen
    body.close()
    assert seen[-1] == "closed"
    assert len(seen) < 1000


def test_closing_the_body_unread_closes_the_generator(site: SiteMaker) -> None:
    body, _, seen = streamed(site)
    body.close()
    assert seen[-1] == "closed"


def test_head_of_a_long_page_has_no_body(site: SiteMaker) -> None:
    body, started, seen = streamed(site, method="HEAD")
    assert list(body) == []
    assert len(started) == 1
    assert seen[-1] == "closed"


def test_an_error_in_the_first_chunk_is_an_error_page(site: SiteMaker) -> None:
    body, started, seen = streamed(site, fails_at=3)
    assert started[0][0] == "500 Internal Server Error"
    assert b"<li>" not in b"".join(body)
    assert seen[-1] == "closed"


def test_a_later_error_ends_the_body(site: SiteMaker) -> None:
    body, started, _ = streamed(site, fails_at=1500)
    chunks = []
    with pytest.raises(ZeroDivisionError) as caught:
        chunks.extend(body)
    body.close()
    assert len(started) == 1
    assert b"<li>" in chunks[0]
    assert b"rror" not in b"".join(chunks)
    assert any(entry.path.name == "page.jinja" for entry in caught.traceback)


def test_fetch_returns_a_streamed_page(site: SiteMaker) -> None:
    shop = page(site, "---\nresponse.stream = True\n---\nshort")
    response = shop.app.fetch("/page")
    assert response.text() == "short"
    assert "content-length" not in response.headers


# ------------------------------------------------------------------ Markdown

POST = """---
layout: layouts/post.jinja
title: Mice & <mats>
draft: true
---
# About {{ title }}

<b>not bold</b>
"""
LAYOUT = (
    "<title>{{ title }}</title>{% if draft %}Draft{% endif %}"
    "<main>{{ content }}</main>{{ url.pathname }}{{ response.headers.set('x-a', '1') or '' }}"
)


def test_a_layout_contains_the_markdown_page(site: SiteMaker) -> None:
    shop = site({"src/pages/[slug].md": POST, "src/layouts/post.jinja": LAYOUT})
    response = shop.get("/mice")
    assert response.text() == (
        "<title>Mice &amp; &lt;mats&gt;</title>Draft"
        '<main><h1 id="about--title-">About {{ title }}</h1>\n<p>&lt;b&gt;not bold&lt;/b&gt;</p>\n</main>/mice'
    )
    assert response.headers["content-type"] == "text/html;charset=UTF-8"
    assert response.headers["x-a"] == "1"
    assert shop.post("/mice").status == 405


def test_the_layout_of_a_markdown_page_gets_lists_mappings_and_dates(site: SiteMaker) -> None:
    header = (
        "layout: layouts/post.jinja\ndate: 2026-05-01\ntags:\n  - a b\n  - <c>\n"
        "author: {name: Ada, url: /ada}\nurl: mine"
    )
    layout = "{{ date.year }}|{{ tags | join(',') }}|{{ author.name }}|{{ url }}"
    shop = site({"src/pages/p.md": f"---\n{header}\n---\nx", "src/layouts/post.jinja": layout})
    assert shop.get("/p").text() == "2026|a b,&lt;c&gt;|Ada|mine"


def test_a_page_takes_data_as_a_type_of_the_site(site: SiteMaker) -> None:
    lib = (
        "from dataclasses import dataclass\n\nmade = []\n\n\n@dataclass\nclass Order:\n"
        "    name: str\n    count: int = 1\n\nmade.append(Order)\n"
    )
    page = (
        "---\nfrom lib.orders import Order, made\norder = request.json(Order)\n---\n"
        "{{ order.count }} {{ order.name }} {{ made | length }}"
    )
    shop = site({"src/lib/orders.py": lib, "src/pages/p.jinja": page})
    headers = {"content-type": "application/json"}
    for _ in range(2):
        response = shop.post("/p", '{"name": "mat"}', headers=headers)
        assert response.text() == "1 mat 1"
    assert shop.post("/p", '{"count": 1}', headers=headers).status == 422


def test_a_markdown_page_may_have_no_layout(site: SiteMaker) -> None:
    shop = site(
        {"src/pages/index.md": "*Hi*", "src/pages/raw.md": "---\nhtml: true\n---\n<b>x</b>"}
    )
    assert shop.get("/").text() == "<p><em>Hi</em></p>\n"
    assert shop.get("/raw").text() == "<p><b>x</b></p>\n"


def test_an_error_page_may_be_markdown(site: SiteMaker) -> None:
    response = site({"src/pages/404.md": "# Nothing"}).get("/x", headers={"accept": "text/html"})
    assert (response.status, response.text()) == (404, '<h1 id="nothing">Nothing</h1>\n')


def test_a_header_may_set_prerender(site: SiteMaker) -> None:
    shop = site({"src/pages/a.md": "---\nprerender: true\n---\nx", "src/pages/b.md": "x"})
    assert {r.pattern.text: r.prerender for r in shop.app.site.routes.all} == {
        "/a": True,
        "/b": False,
    }


@pytest.mark.parametrize(
    ("header", "mistake"),
    [
        (
            "a: 1\nprerender: no",
            ":3: prerender is neither true nor false: 'no'\n    Write true or false.",
        ),
        ("html: yes", ":2: html is neither true nor false: 'yes'\n    Write true or false."),
        (
            "content: x",
            ":2: content is reserved for the text below the header\n    Choose another key.",
        ),
        (
            "layout: [a]",
            ":2: layout is not the name of a template: ['a']\n"
            '    Write, for example, "layouts/base.jinja".',
        ),
        (
            "a: 1\nlayout: layouts/pots.jinja",
            ':3: the template "layouts/pots.jinja" does not exist in src\n'
            '    Did you mean "layouts/post.jinja"?',
        ),
        (
            "- a",
            ":2: the header has no keys\n    Write key: value in each line, as in title: Hello",
        ),
    ],
)
def test_a_mistake_in_a_header_names_its_line(site: SiteMaker, header: str, mistake: str) -> None:
    shop = site({"src/pages/p.md": f"---\n{header}\n---\nx", "src/layouts/post.jinja": "x"})
    assert shop.errors() == f"The site has a mistake:\nsrc/pages/p.md{mistake}"


def test_a_broken_layout_is_reported_once(site: SiteMaker) -> None:
    shop = site(
        {
            "src/pages/a.md": "---\nlayout: layouts/post.jinja\n---\nx",
            "src/pages/b.md": "---\nlayout: layouts/post.jinja\n---\nx",
            "src/pages/c.md": "---\nlayout: pages/_own.jinja\n---\nx",
            "src/pages/d.md": "---\nlayout: pages/_own.jinja\n---\nx",
            "src/pages/_own.jinja": "{{ 1 + }}",
            "src/layouts/post.jinja": b"caf\xe9",
        }
    )
    assert shop.errors() == (
        "The site has 2 mistakes:\n"
        "src/layouts/post.jinja: is not UTF-8: 'utf-8' codec can't decode byte 0xe9 in position "
        "3: unexpected end of data\n    Save it as UTF-8.\n"
        "src/pages/_own.jinja:1: unexpected 'end of print statement'"
    )


# ------------------------------------------------------------------ mistakes


def test_a_syntax_error_in_a_template_names_its_line(site: SiteMaker) -> None:
    assert page(site, "---\nx = 1\n---\n<p>\n{% if %}\n").errors() == (
        "The site has a mistake:\n"
        "src/pages/page.jinja:5: Expected an expression, got 'end of statement block'"
    )


def test_an_unfinished_template_names_its_line(site: SiteMaker) -> None:
    assert "src/pages/page.jinja:1: " in page(site, "{{ ").errors()


def test_layouts_and_components_are_checked_at_start_up(site: SiteMaker) -> None:
    shop = page(
        site,
        "x",
        **{
            "src/layouts/base.jinja": "\n{% block %}",
            "src/components/deep/card.jinja": "{{ 1 + }}",
            "src/components/fine.jinja": "{{ 1 }}",
        },
    )
    assert shop.errors() == (
        "The site has 2 mistakes:\n"
        "src/components/deep/card.jinja:1: unexpected 'end of print statement'\n"
        "src/layouts/base.jinja:2: expected token 'name', got 'end of statement block'"
    )


def test_a_page_that_is_not_utf_8_is_a_mistake(site: SiteMaker) -> None:
    assert site({"src/pages/page.jinja": b"caf\xe9"}).errors() == (
        "The site has a mistake:\n"
        "src/pages/page.jinja: is not UTF-8: 'utf-8' codec can't decode byte 0xe9 in position 3: "
        "unexpected end of data\n"
        "    Save it as UTF-8."
    )


def test_a_syntax_error_in_frontmatter_names_its_line(site: SiteMaker) -> None:
    assert page(site, "---\nx = (\n---\n").errors() == (
        "The site has a mistake:\n"
        "src/pages/page.jinja:2: '(' was never closed\n    Fix this line: x = ("
    )


def test_templates_outside_src_cannot_be_included(site: SiteMaker, caplog: Any) -> None:
    shop = page(site, "{% set x = '../framework.config.py' %}{% include x %}")
    shop.write({"framework.config.py": "from framework import Config\nconfig = Config()\n"})
    caplog.set_level(logging.ERROR)
    response = shop.get("/page")
    assert response.status == 500
    assert "Config" not in response.text()


def test_the_configured_base_is_in_url_for(site: SiteMaker) -> None:
    shop = site({"src/pages/page.jinja": "{{ url_for('/page') }}"}, config=Config(base="/docs"))
    assert shop.get("/docs/page").text() == "/docs/page"


def test_a_variable_called_like_a_name_of_the_context(site: SiteMaker) -> None:
    shop = site(
        {
            "src/pages/talks.jinja": "---\nfor session in ['Intro', 'Outro']:\n    pass\n---\n"
            "{{ session }}{% for request in [1, 2] %}{{ request }}{% endfor %}",
            "src/pages/names.jinja": "---\nx = [request for request in 'ab']\n---\n{{ x[1] }}",
        }
    )
    assert shop.get("/talks").text() == "Outro12"
    assert shop.get("/names").text() == "b"
    assert shop.post("/names").status == 405
