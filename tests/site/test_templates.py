"""Templates: which names they find, what is wrong with them, and what `src/jinja.py` adds."""

import json
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest

from framework import Config
from framework.site.templates import Pieces
from tests.conftest import SiteMaker

RENDER = "def GET(render, url):\n    return render('components/card.jinja', name='<Ada>')\n"


def render(site: SiteMaker, text: str, **more: str) -> Any:
    return site({"src/pages/x.py": RENDER, "src/components/card.jinja": text, **more})


# ------------------------------------------------------------ context.render


def test_an_endpoint_answers_with_a_template(site: SiteMaker) -> None:
    response = render(site, "<b>{{ name }}</b>").get("/x")
    assert (response.status, response.text()) == (200, "<b>&lt;Ada&gt;</b>")
    assert response.headers["content-type"] == "text/html;charset=UTF-8"


def test_a_rendered_template_has_the_names_of_the_context(site: SiteMaker) -> None:
    made = render(site, "{{ url_for('/x') }} {{ route_pattern }} {{ context.url.pathname }}")
    made.options = {"config": Config(base="/docs")}
    assert made.get("/docs/x").text() == "/docs/x /x /docs/x"


def test_a_variable_stands_before_the_context(site: SiteMaker) -> None:
    assert render(site, "{% set url = 'mine' %}{{ url }}").get("/x").text() == "mine"
    page = "---\nreturn render('components/card.jinja', url='given', template=1)\n---\n"
    made = render(site, "{{ url }}{{ template }}", **{"src/pages/page.jinja": page})
    assert made.get("/page").text() == "given1"


def test_its_name_says_its_type(site: SiteMaker) -> None:
    code = "def GET(context):\n    return context.render('components/feed.xml.jinja', x='&')\n"
    made = site({"src/pages/x.py": code, "src/components/feed.xml.jinja": "<a>{{ x }}</a>"})
    response = made.get("/x")
    assert response.headers["content-type"] == "text/xml;charset=UTF-8"
    assert response.text() == "<a>&amp;</a>"


def test_an_error_names_template_and_line(site: SiteMaker, caplog: Any) -> None:
    assert render(site, "<p>\n{{ nobody }}").get("/x").status == 500
    assert 'components/card.jinja", line 2' in caplog.text
    assert "'nobody' is undefined" in caplog.text


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("components/crad.jinja", 'Did you mean "components/card.jinja"?'),
        ("../secret", 'A name is the path from src on, as in "layouts/base.jinja".'),
    ],
)
def test_a_template_that_is_not_there_names_the_nearest(
    site: SiteMaker, caplog: Any, name: str, advice: str
) -> None:
    code = RENDER.replace("components/card.jinja", name)
    made = site({"src/pages/x.py": code, "src/components/card.jinja": "x", "secret": "s"})
    assert made.get("/x").status == 500
    assert f'There is no template "{name}" below src. {advice}' in caplog.text


def test_in_development_the_error_page_names_page_and_line(site: SiteMaker) -> None:
    made = site({"src/pages/page.jinja": "---\nx = 1\n---\n<p>\n{{ nobody }}"}, mode="dev")
    text = made.get("/page", headers={"accept": "text/html"}).text()
    assert "pages/page.jinja&#34;, line 5" in text
    assert "is undefined" in text


# ------------------------------------------- what imports and includes find

MACROS = (
    "{% from 'components/deep.jinja' import where %}"
    "{% macro link(text) %}<a href='{{ url_for('/page') }}'>{{ text }}{{ where() }}"
    "</a>{% endmacro %}"
)
DEEP = "{% macro where() %}@{{ url.pathname }} {{ context.route_pattern }}{% endmacro %}"


@pytest.mark.parametrize(
    "page",
    [
        "{% from 'components/macros.jinja' import link %}{{ link('<') }}",
        "{% import 'components/macros.jinja' as macros %}{{ macros.link('<') }}",
        "{% from 'components/macros.jinja' import link with context %}{{ link('<') }}",
        "{% include 'components/use.jinja' %}",
        "{% extends 'layouts/base.jinja' %}{% block a %}"
        "{% from 'components/macros.jinja' import link %}{{ link('<') }}{% endblock %}",
    ],
)
def test_imported_macros_find_the_names_of_the_context(site: SiteMaker, page: str) -> None:
    made = site(
        {
            "src/pages/page.jinja": page,
            "src/pages/other.jinja": page,
            "src/layouts/base.jinja": "{% block a %}{% endblock %}",
            "src/components/macros.jinja": MACROS,
            "src/components/deep.jinja": DEEP,
            "src/components/use.jinja": "{% from 'components/macros.jinja' import link %}"
            "{{ link('<') }}",
        }
    )
    assert made.get("/page").text() == "<a href='/page'>&lt;@/page /page</a>"
    # Nothing of one request is kept for the next.
    assert made.get("/other").text() == "<a href='/page'>&lt;@/other /other</a>"


def test_a_call_block_is_a_slot(site: SiteMaker) -> None:
    page = (
        "---\nname = '<Ada>'\n---\n{% from 'components/card.jinja' import card %}"
        "{% call card() %}{{ name }} {{ url.pathname }}{% endcall %}"
    )
    card = "{% macro card() %}<b>{{ caller() }}</b>{% endmacro %}"
    made = site({"src/pages/page.jinja": page, "src/components/card.jinja": card})
    assert made.get("/page").text() == "<b>&lt;Ada&gt; /page</b>"


def test_a_macro_does_not_find_a_pages_variables_unless_it_is_imported_with_context(
    site: SiteMaker, caplog: Any
) -> None:
    page = "---\nname = 'Ada'\n---\n{% from 'components/c.jinja' import c %}{{ c() }}"
    macro = "{% macro c() %}{{ name }}{% endmacro %}"
    made = site(
        {
            "src/pages/with.jinja": page.replace("import c ", "import c with context "),
            "src/pages/without.jinja": page,
            "src/components/c.jinja": macro,
        }
    )
    assert made.get("/with").text() == "Ada"
    assert made.get("/without").status == 500
    assert "'name' is undefined" in caplog.text


def test_what_is_included_without_context_has_none(site: SiteMaker, caplog: Any) -> None:
    made = site(
        {
            "src/pages/page.jinja": "{% include 'components/c.jinja' without context %}",
            "src/components/c.jinja": "{% if url is defined %}url{% endif %}{{ context }}",
        }
    )
    assert made.get("/page").status == 500
    assert "'context' is undefined" in caplog.text


# ----------------------------------------------------------- missing templates


def test_templates_that_are_not_there_are_mistakes(site: SiteMaker) -> None:
    made = site(
        {
            "src/pages/page.jinja": "---\nx = 1\n---\n{% extends 'layouts/bose.jinja' %}\n"
            "{% include 'nowhere' %}\n{% include 'components/x.jinja' ignore missing %}"
            "{% include ['a', 'layouts/base.jinja'] %}{% include x %}",
            "src/layouts/base.jinja": "\n{% import 'components/macros.jinja' as m %}",
            "src/components/card.jinja": "{% from '/etc/passwd' import root %}\n"
            "{% include '../secret' %}",
        }
    )
    assert made.errors() == (
        "The site has 5 mistakes:\n"
        'src/components/card.jinja:1: there is no template "/etc/passwd" below src\n'
        '    A name is the path from src on, as in "layouts/base.jinja".\n'
        'src/components/card.jinja:2: there is no template "../secret" below src\n'
        '    A name is the path from src on, as in "layouts/base.jinja".\n'
        'src/layouts/base.jinja:2: there is no template "components/macros.jinja" below src\n'
        '    Did you mean "components/card.jinja"?\n'
        'src/pages/page.jinja:4: there is no template "layouts/bose.jinja" below src\n'
        '    Did you mean "layouts/base.jinja"?\n'
        'src/pages/page.jinja:5: there is no template "nowhere" below src\n'
        '    A name is the path from src on, as in "layouts/base.jinja".'
    )


def test_a_template_elsewhere_is_looked_through_too(site: SiteMaker) -> None:
    made = site(
        {
            "src/pages/a.jinja": "{% include 'pages/_part.jinja' %}",
            "src/pages/b.jinja": "{% include 'pages/_part.jinja' %}",
            "src/pages/_part.jinja": "\n{{ 1 + }}",
        }
    )
    assert made.errors() == (
        "The site has a mistake:\nsrc/pages/_part.jinja:2: unexpected 'end of print statement'"
    )


def test_templates_that_include_each_other_are_read_once(site: SiteMaker) -> None:
    tree = "{% if n %}{{ n }}{% set n = n - 1 %}{% include 'components/tree.jinja' %}{% endif %}"
    made = site(
        {
            "src/pages/page.jinja": "---\nn = 3\n---\n{% include '/components/tree.jinja' %}",
            "src/components/tree.jinja": tree,
        }
    )
    assert made.get("/page").text() == "321"


def test_a_template_that_is_not_utf_8_is_a_mistake(site: SiteMaker) -> None:
    assert site({"src/pages/x.jinja": "x", "src/layouts/base.jinja": b"caf\xe9"}).errors() == (
        "The site has a mistake:\n"
        "src/layouts/base.jinja: is not UTF-8: 'utf-8' codec can't decode byte 0xe9 in position "
        "3: unexpected end of data\n    Save it as UTF-8."
    )


# ------------------------------------------------------------- src/jinja.py

ADDITIONS = """\
from jinja2 import pass_context

from lib.money import price


@pass_context
def here(context, text):
    return f"{text} at {context['url'].pathname}"


filters: dict = {"price": price, "here": here}
globals = {"shop": "<Shop>", "twice": lambda text: 2 * text}
tests = {"cheap": lambda cents: cents < 100}
"""
MONEY = "def price(cents):\n    return f'<{cents / 100:.2f}>'\n"


def test_filters_globals_and_tests_are_everywhere(site: SiteMaker) -> None:
    text = "{{ 250 | price }} {{ shop }} {{ twice('a') }} {{ 5 is cheap }} {{ 'x' | here }}"
    made = site(
        {
            "src/jinja.py": ADDITIONS,
            "src/lib/money.py": MONEY,
            "src/pages/page.jinja": "{% from 'components/c.jinja' import c %}{{ c() }}",
            "src/components/c.jinja": "{% macro c() %}" + text + "{% endmacro %}",
        }
    )
    assert made.get("/page").text() == "&lt;2.50&gt; &lt;Shop&gt; aa True x at /page"


def test_a_filter_that_is_not_there_is_a_mistake(site: SiteMaker) -> None:
    assert site({"src/pages/page.jinja": "\n{{ 1 | price }}"}).errors() == (
        "The site has a mistake:\nsrc/pages/page.jinja:2: No filter named 'price'."
    )


REMEDY = '    Write: filters = {"price": format_price}, and globals and tests likewise.'


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("x = 1\nfilters = [len]\n", f"2: filters is [<built-in function len>], no dict\n{REMEDY}"),
        (
            "filters = {\n    'a': len,\n    'price': 'x',\n}\n",
            "3: filters['price'] is 'x', no function\n    Give the function itself.",
        ),
        (
            "tests = dict(\n    cheap=1)\n",
            "1: tests['cheap'] is 1, no function\n    Give the function itself.",
        ),
        (
            "import os\nglobals = {'a b': 1}\n",
            "2: globals has 'a b', which is no name\n    Begin it with a letter, no blanks.",
        ),
        (
            "filters = {**{}, 1: len}\n",
            "1: filters has 1, which is no name\n    Begin it with a letter, no blanks.",
        ),
        (
            "globals = {'url': 1}\n",
            "1: globals has 'url', which is the context's\n    Give it another name.",
        ),
        (
            "globals = {'response': 1}\n",
            "1: globals has 'response', which is the context's\n    Give it another name.",
        ),
        (
            "if True:\n    globals: dict = 1\n",
            f"1: globals is 1, no dict\n{REMEDY}",
        ),
        ("filter = {}\n", f" defines no filters, globals or tests\n{REMEDY}"),
        (
            "a.b = {}\n",
            "1: NameError while it is imported: name 'a' is not defined\n"
            "    Importing it must succeed: mend the line.",
        ),
    ],
)
def test_what_is_wrong_with_the_additions_names_its_line(
    site: SiteMaker, code: str, text: str
) -> None:
    assert site({"src/jinja.py": code}).errors() == (
        f"The site has a mistake:\nsrc/jinja.py:{text}"
    )


def test_what_only_assigns_to_parts_is_passed_over(site: SiteMaker) -> None:
    code = "import os\nos.path.here = 1\ndel os.path.here\nfilters = {}\n"
    assert site({"src/jinja.py": code, "src/pages/x.jinja": "x"}).get("/x").text() == "x"


# ------------------------------------------------------------ hostile text

HOSTILE = "</p></script><script>alert(1)</script>{{ 7 * 191 }}{% raw %}&\"'`<!--]]>"


def test_hostile_text_is_text_everywhere(site: SiteMaker) -> None:
    code = f"---\nname = {HOSTILE!r}\n---\n"
    made = site(
        {
            "src/pages/html.jinja": code + "{% from 'components/c.jinja' import c %}"
            "<p title=\"{{ name }}\" id='{{ name }}'>{{ name }}</p>{{ c(name) }}"
            "<script>x = {{ {'name': name} | tojson }}</script>{{ name | markdown }}",
            "src/pages/feed.xml.jinja": code + "<a b=\"{{ name }}\" c='{{ name }}'>{{ name }}</a>",
            "src/components/c.jinja": "{% macro c(x) %}<i>{{ x }}</i>{% endmacro %}",
        }
    )
    seen: list[tuple[str, Any]] = []

    class Parser(HTMLParser):
        def handle_starttag(self, tag: str, attrs: Any) -> None:
            seen.append((tag, attrs))

        def handle_data(self, data: str) -> None:
            seen.append(("", data))

    html = made.get("/html").text()
    assert "1337" not in html
    Parser(convert_charrefs=True).feed(html)
    assert [(tag, value) for tag, value in seen if tag] == [
        ("p", [("title", HOSTILE), ("id", HOSTILE)]),
        ("i", []),
        ("script", []),
        ("p", []),
    ]
    texts = [value for tag, value in seen if not tag and value.strip()]
    assert texts[:2] == [HOSTILE, HOSTILE]
    assert json.loads(texts[2].removeprefix("x = ")) == {"name": HOSTILE}
    root = ElementTree.fromstring(made.get("/feed.xml").text().strip())
    assert (root.text, root.get("b"), root.get("c")) == (HOSTILE, HOSTILE, HOSTILE)


# ------------------------------------------------------------------- pieces


def test_pieces_are_joined_until_they_are_worth_sending() -> None:
    made: list[int] = []

    def source() -> Any:
        for number in range(5):
            made.append(number)
            yield "x" * 5000

    pieces = Pieces(source())
    assert made == [0, 1]
    assert [len(piece) for piece in pieces] == [10000, 10000, 5000]


def test_no_pieces_are_an_empty_text() -> None:
    assert "".join(Pieces("" for _ in ())) == ""
