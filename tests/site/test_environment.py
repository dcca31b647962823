"""The Jinja environment: classes, async functions, and values that are not values."""

from pathlib import Path

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from framework import Config
from framework.site.environment import make_environment
from framework.site.markdown import Markdown
from tests.conftest import SiteMaker

CART = "---\ncart = {'items': [1, 2], 'count': 3, 'more': {'values': 4}}\n---\n"
ASYNC = """
import asyncio


async def double(number):
    await asyncio.sleep(0)
    return 2 * number


async def numbers():
    yield 1


class Api:
    async def get(self):
        return "<b>"


globals = {"double": double, "numbers": numbers, "api": Api()}
filters = {"doubled": lambda number: double(number)}
"""


def raised(site: SiteMaker, template: str, caplog: pytest.LogCaptureFixture) -> str:
    """Return the error that a page with this template raises."""
    response = site({"src/jinja.py": ASYNC, "src/pages/p.jinja": template}).get("/p")
    assert response.status == 500
    return caplog.text.strip().rpartition("\n")[2]


# ------------------------------------------------------------------ web classes


def test_templates_have_the_web_classes(site: SiteMaker) -> None:
    shop = site(
        {
            "src/pages/p.jinja": "{% import 'components/c.jinja' as c %}{{ URL('rss.xml', site) }}|"
            "{{ URLSearchParams({'q': 'a&b'}) }}|{{ c.link('x') }}",
            "src/components/c.jinja": "{% macro link(name) %}{{ URL(name, url) }}{% endmacro %}",
        },
        config=Config(site="https://shop.example"),
    )
    assert shop.get("/p").text() == "https://shop.example/rss.xml|q=a%26b|http://localhost/x"


def test_a_variable_may_have_the_name_of_a_web_class(site: SiteMaker) -> None:
    shop = site(
        {
            "src/jinja.py": "globals = {'Headers': 'own'}",
            "src/pages/p.jinja": "---\nURL = 1\n---\n{{ URL }}{% set File = 2 %}{{ File }}{{ Headers }}",
        }
    )
    assert shop.get("/p").text() == "12own"


# -------------------------------------------------------------- async functions


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ double(2) }}", "4"),
        ("{{ api.get() }}", "&lt;b&gt;"),
        ("{% set x = double(1) %}{{ x }}{{ x }}", "22"),
        ("{% if double(0) %}yes{% endif %}", ""),
        ("{% for i in [double(1), double(2)] %}{{ i }}{% endfor %}", "24"),
        ("{% macro m() %}{{ double(3) }}{% endmacro %}{{ m() }}", "6"),
        ("{% import 'components/c.jinja' as c %}{{ c.m() }}", "8"),
        ("---\nresponse.stream = True\n---\n{{ double(5) }}", "10"),
        ("---\nasync def six():\n    return 6\n---\n{{ six() }}", "6"),
    ],
)
def test_a_template_awaits_the_functions_that_it_calls(
    site: SiteMaker, template: str, text: str
) -> None:
    shop = site(
        {
            "src/jinja.py": ASYNC,
            "src/pages/p.jinja": template,
            "src/components/c.jinja": "{% macro m() %}{{ double(4) }}{% endmacro %}",
        }
    )
    assert shop.get("/p").text() == text


@pytest.mark.parametrize(
    "use", ["{{ x }}", "{% if x %}yes{% endif %}", "{% for i in x %}{% endfor %}"]
)
def test_a_coroutine_is_not_a_value(
    site: SiteMaker, caplog: pytest.LogCaptureFixture, use: str
) -> None:
    page = "---\nasync def load():\n    return 1\nx = load()\n---\n"
    assert raised(site, page + use, caplog) == (
        "TypeError: load() was not awaited. Write: await load(...)"
    )


def test_a_filter_may_not_return_a_coroutine(
    site: SiteMaker, caplog: pytest.LogCaptureFixture
) -> None:
    assert "double() was not awaited" in raised(site, "{{ url | doubled }}", caplog)


@pytest.mark.parametrize("use", ["{% for i in numbers() %}{% endfor %}", "{{ numbers() }}"])
def test_a_template_cannot_iterate_an_async_generator(
    site: SiteMaker, caplog: pytest.LogCaptureFixture, use: str
) -> None:
    assert raised(site, use, caplog) == (
        "TypeError: numbers() is an async generator, which a template cannot iterate. "
        "Make a list in the frontmatter: [item async for item in ...]"
    )


@pytest.mark.parametrize("kind", ["filters", "tests"])
def test_an_async_filter_or_test_is_a_mistake(site: SiteMaker, kind: str) -> None:
    module = f"async def f(x):\n    return x\n\n{kind} = {{'f': f}}\n"
    assert site({"src/jinja.py": module}).errors() == (
        f"The site has a mistake:\nsrc/jinja.py:4: {kind}['f'] is an async function\n"
        "    Make it a plain function, or a global, which templates await."
    )


# -------------------------------------------------------------- methods as values


@pytest.mark.parametrize(
    "use",
    [
        "{% for x in cart.items %}{% endfor %}",
        "{{ cart.items }}",
        "{% if cart.items %}{% endif %}",
        "{% if not cart.items %}{% endif %}",
        "{{ 1 if cart.items else 2 }}",
        "{{ cart.items | length }}",
        "{{ cart.items[0] }}",
    ],
)
def test_a_method_is_not_taken_for_the_key_of_a_dict(
    site: SiteMaker, caplog: pytest.LogCaptureFixture, use: str
) -> None:
    assert raised(site, CART + use, caplog) == (
        "TypeError: items is a method of dict, not a value. "
        'Write ["items"] for the value of this key, or .items() to call the method.'
    )


@pytest.mark.parametrize(
    ("use", "text"),
    [
        ("{{ cart.get }}", "get is a method of dict, not a value. Write get(...) to call it."),
        ("{{ params.keys }}", "keys is a method of dict, "),
        ("{{ locals.get }}", "get is a method of Locals, "),
        ("{{ url.search_params.values }}", "values is a method of URLSearchParams, "),
        ("{{ redirect }}", "redirect is a method of APIContext, "),
        ("{% for x in cart.more.values %}{% endfor %}", 'Write ["values"] for the value of'),
        ("---\ndef f(): pass\n---\n{{ f }}", "f is a function, not a value. Write f(...) to call"),
    ],
)
def test_a_function_is_not_shown(
    site: SiteMaker, caplog: pytest.LogCaptureFixture, use: str, text: str
) -> None:
    assert text in raised(site, use if use.startswith("-") else CART + use, caplog)


@pytest.mark.parametrize(
    ("use", "text"),
    [
        ("{% for k, v in cart.items() %}{{ k }} {% endfor %}", "items count more "),
        ("{% for x in cart['items'] %}{{ x }}{% endfor %}", "12"),
        ("{{ cart.count }}{{ cart.more['values'] }}", "34"),
        ("{{ cart.items is defined }}{% set f = cart.get %}{{ f('count') }}", "True3"),
        ("{% for x in cart.items() | sort %}{{ x[0][0] }}{% endfor %}", "cim"),
    ],
)
def test_methods_may_be_called_and_keys_read(site: SiteMaker, use: str, text: str) -> None:
    assert site({"src/pages/p.jinja": CART + use}).get("/p").text() == text


# -------------------------------------------------------------- the same as Jinja


class Product:
    name = "<Tea>"

    def __str__(self) -> str:
        return "Tea & more"


OWN = make_environment(Path(), Markdown())
JINJA = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
VALUES = st.one_of(
    *(st.text(), st.text("a<>&'\""), st.text().map(Markup), st.integers(), st.floats()),
    *(st.none(), st.booleans(), st.lists(st.text()), st.just(Product())),
    st.dictionaries(st.sampled_from(["name", "x"]), st.text("a<")),
)


@pytest.mark.parametrize(
    "template",
    [
        "{{ x }}{{ x }} & {{ '<' }}",
        "{{ x.name }}",
        "{{ x.name is defined }}{{ x.other is defined }}{{ x.keys is defined }}",
        "{% macro m(y) %}<b>{{ y }}</b>{{ caller() }}{% endmacro %}"
        "{% call m(x) %}{{ x }}{% endcall %}",
        "{% set y %}{{ x }}{% endset %}{{ y }}{{ y | length }}",
        "{% filter upper %}{{ x }}{% endfilter %}{{ [x] | join }}",
        "{% autoescape false %}{{ x }}{% endautoescape %}{{ x | safe }}",
        "{% block b %}{{ x }}{% endblock %}{{ self.b() }}",
    ],
)
def test_values_are_shown_as_jinja_shows_them(template: str) -> None:
    own, plain = OWN.from_string(template), JINJA.from_string(template)

    def show(template: jinja2.Template, value: object) -> str:
        try:
            return template.render(x=value)
        except (jinja2.UndefinedError, TypeError) as error:
            return type(error).__name__

    @given(VALUES)
    def check(value: object) -> None:
        assert show(own, value) == show(plain, value)

    check()


# -------------------------------------------------------------- XML declarations


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "head",
    [
        "{% from 'components/c.jinja' import m %}\n",
        "{% import 'components/c.jinja' as c %}\n\n",
        "{# a remark #}\n{% set x = 1 %}\n  ",
        "\n\n{% macro n() %}{% endmacro %}\n",
        "",
    ],
)
def test_no_space_is_before_an_xml_declaration(site: SiteMaker, head: str, stream: bool) -> None:
    page = f"---\nresponse.stream = {stream}\n---\n{head}<?xml version='1.0'?>\n<a/>"
    shop = site(
        {
            "src/pages/feed.xml.jinja": page,
            "src/components/c.jinja": "{% macro m() %}{% endmacro %}",
            "src/pages/text.txt.jinja": "\n text",
        }
    )
    assert shop.get("/feed.xml").text() == "<?xml version='1.0'?>\n<a/>"
    assert shop.get("/text.txt").text() == "\n text"
