"""Templates: the names in them, the mistakes in them, and the additions of `src/jinja.py`."""

import errno
import json
import os
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from framework import Config
from framework.site.templates import TextChunks
from tests.conftest import SiteMaker, TestSite

RENDER = "def GET(render, url):\n    return render('components/card.jinja', name='<Ada>')\n"


def render(site: SiteMaker, text: str, **more: str) -> TestSite:
    return site({"src/pages/x.py": RENDER, "src/components/card.jinja": text, **more})


# ------------------------------------------------------------ context.render


def test_an_endpoint_may_render_a_template(site: SiteMaker) -> None:
    response = render(site, "<b>{{ name }}</b>").get("/x")
    assert (response.status, response.text()) == (200, "<b>&lt;Ada&gt;</b>")
    assert response.headers["content-type"] == "text/html;charset=UTF-8"


def test_a_rendered_template_has_the_names_of_the_context(site: SiteMaker) -> None:
    shop = render(site, "{{ url_for('/x') }} {{ route_pattern }} {{ context.url.pathname }}")
    shop.options = {"config": Config(base="/docs")}
    assert shop.get("/docs/x").text() == "/docs/x /x /docs/x"


def test_a_variable_replaces_a_name_of_the_context(site: SiteMaker) -> None:
    assert render(site, "{% set url = 'mine' %}{{ url }}").get("/x").text() == "mine"
    page = "---\nreturn render('components/card.jinja', url='given', template=1)\n---\n"
    shop = render(site, "{{ url }}{{ template }}", **{"src/pages/page.jinja": page})
    assert shop.get("/page").text() == "given1"


def test_the_suffix_decides_the_content_type(site: SiteMaker) -> None:
    code = "def GET(context):\n    return context.render('components/feed.xml.jinja', x='&')\n"
    shop = site({"src/pages/x.py": code, "src/components/feed.xml.jinja": "<a>{{ x }}</a>"})
    response = shop.get("/x")
    assert response.headers["content-type"] == "text/xml;charset=UTF-8"
    assert response.text() == "<a>&amp;</a>"


def test_an_error_names_the_template_and_the_line(site: SiteMaker, caplog: Any) -> None:
    assert render(site, "<p>\n{{ unknown }}").get("/x").status == 500
    assert 'components/card.jinja", line 2' in caplog.text
    assert "'unknown' is undefined" in caplog.text


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("components/crad.jinja", 'Did you mean "components/card.jinja"?'),
        ("components//card.jinja", 'Did you mean "components/card.jinja"?'),
        ("./components/card.jinja", 'Did you mean "components/card.jinja"?'),
        ("components/.card.jinja", 'Did you mean "components/card.jinja"?'),
        ("lib/mail.jinja", 'Write the path from src on, as in "layouts/base.jinja".'),
        ("pages/x.py", 'Write the path from src on, as in "layouts/base.jinja".'),
        ("../secret", 'Write the path from src on, as in "layouts/base.jinja".'),
    ],
)
def test_a_missing_template_has_a_suggestion(
    site: SiteMaker, caplog: Any, name: str, advice: str
) -> None:
    code = RENDER.replace("components/card.jinja", name)
    shop = site({"src/pages/x.py": code, "src/components/card.jinja": "x", "secret": "s"})
    shop.write({"src/lib/mail.jinja": "x", "src/components/.card.jinja": "x"})
    assert shop.get("/x").status == 500
    text = f'The template "{name}" does not exist in src/layouts, src/components or src/pages.'
    assert f"{text} {advice}" in caplog.text


def test_redundant_slashes_in_references_are_ignored(site: SiteMaker) -> None:
    shop = site(
        {
            "src/pages/a.jinja": "{% include './components//' ~ url.search_params.get('x') %}",
            "src/pages/b.md": "---\nlayout: layouts//base.jinja\n---\n",
            "src/components/card.jinja": "card",
            "src/components/.card.jinja": "hidden",
            "src/layouts/base.jinja": "{% include 'components//card.jinja' %}",
        }
    )
    assert shop.get("/a?x=/card.jinja").text() == "card"
    assert shop.get("/b").text() == "card"
    assert shop.get("/a?x=.card.jinja").status == 500
    assert shop.get("/a?x=../card.jinja").status == 500


def test_the_development_error_page_names_page_and_line(site: SiteMaker) -> None:
    shop = site({"src/pages/page.jinja": "---\nx = 1\n---\n<p>\n{{ unknown }}"}, mode="dev")
    text = shop.get("/page", headers={"accept": "text/html"}).text()
    assert "pages/page.jinja&#34;, line 5" in text
    assert "is undefined" in text


# ------------------------------------------------------- imports and includes

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
def test_imported_macros_have_the_names_of_the_context(site: SiteMaker, page: str) -> None:
    shop = site(
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
    assert shop.get("/page").text() == "<a href='/page'>&lt;@/page /page</a>"
    # The next request has its own context.
    assert shop.get("/other").text() == "<a href='/page'>&lt;@/other /other</a>"


def test_a_macro_renders_its_call_block(site: SiteMaker) -> None:
    page = (
        "---\nname = '<Ada>'\n---\n{% from 'components/card.jinja' import card %}"
        "{% call card() %}{{ name }} {{ url.pathname }}{% endcall %}"
    )
    card = "{% macro card() %}<b>{{ caller() }}</b>{% endmacro %}"
    shop = site({"src/pages/page.jinja": page, "src/components/card.jinja": card})
    assert shop.get("/page").text() == "<b>&lt;Ada&gt; /page</b>"


def test_a_macro_has_the_variables_of_a_page_only_if_imported_with_context(
    site: SiteMaker, caplog: Any
) -> None:
    page = "---\nname = 'Ada'\n---\n{% from 'components/c.jinja' import c %}{{ c() }}"
    macro = "{% macro c() %}{{ name }}{% endmacro %}"
    shop = site(
        {
            "src/pages/with.jinja": page.replace("import c ", "import c with context "),
            "src/pages/without.jinja": page,
            "src/components/c.jinja": macro,
        }
    )
    assert shop.get("/with").text() == "Ada"
    assert shop.get("/without").status == 500
    assert "'name' is undefined" in caplog.text


def test_a_template_included_without_context_has_none(site: SiteMaker, caplog: Any) -> None:
    shop = site(
        {
            "src/pages/page.jinja": "{% include 'components/c.jinja' without context %}",
            "src/components/c.jinja": "{% if url is defined %}url{% endif %}{{ context }}",
        }
    )
    assert shop.get("/page").status == 500
    assert "'context' is undefined" in caplog.text


# ----------------------------------------------------------- missing templates


def test_missing_templates_are_mistakes(site: SiteMaker) -> None:
    shop = site(
        {
            "src/pages/page.jinja": "---\nx = 1\n---\n{% extends 'layouts/bose.jinja' %}\n"
            "{% include 'nowhere' %}\n{% include 'components/x.jinja' ignore missing %}"
            "{% include ['a', 'layouts/base.jinja'] %}{% include x %}",
            "src/layouts/base.jinja": "\n{% import 'components/macros.jinja' as m %}",
            "src/components/card.jinja": "{% from '/etc/passwd' import root %}\n"
            "{% include '../secret' %}",
        }
    )
    assert shop.errors() == (
        "The site has 5 mistakes:\n"
        'src/components/card.jinja:1: the template "/etc/passwd" does not exist in src\n'
        '    Write the path from src on, as in "layouts/base.jinja".\n'
        'src/components/card.jinja:2: the template "../secret" does not exist in src\n'
        '    Write the path from src on, as in "layouts/base.jinja".\n'
        'src/layouts/base.jinja:2: the template "components/macros.jinja" does not exist in src\n'
        '    Did you mean "components/card.jinja"?\n'
        'src/pages/page.jinja:4: the template "layouts/bose.jinja" does not exist in src\n'
        '    Did you mean "layouts/base.jinja"?\n'
        'src/pages/page.jinja:5: the template "nowhere" does not exist in src\n'
        '    Write the path from src on, as in "layouts/base.jinja".'
    )


def test_a_template_in_pages_is_checked_once(site: SiteMaker) -> None:
    shop = site(
        {
            "src/pages/a.jinja": "{% include 'pages/_part.jinja' %}",
            "src/pages/b.jinja": "{% include 'pages/_part.jinja' %}",
            "src/pages/_part.jinja": "\n{{ 1 + }}",
        }
    )
    assert shop.errors() == (
        "The site has a mistake:\nsrc/pages/_part.jinja:2: unexpected 'end of print statement'"
    )


def test_a_template_may_include_itself(site: SiteMaker) -> None:
    tree = "{% if n %}{{ n }}{% set n = n - 1 %}{% include 'components/tree.jinja' %}{% endif %}"
    shop = site(
        {
            "src/pages/page.jinja": "---\nn = 3\n---\n{% include '/components/tree.jinja' %}",
            "src/components/tree.jinja": tree,
        }
    )
    assert shop.get("/page").text() == "321"


@pytest.mark.parametrize("start", ["---\n", "\ufeff--- \r\n"])
@pytest.mark.parametrize("name", ["layouts/base.jinja", "components/card.jinja", "pages/_x.jinja"])
def test_frontmatter_outside_of_a_page_is_a_mistake(site: SiteMaker, name: str, start: str) -> None:
    page = "---\nx = 1\n---\n{% include '" + name + "' %}"
    shop = site({"src/pages/index.jinja": page, f"src/{name}": f"{start}x = 1\n---\n{{{{ x }}}}"})
    assert shop.errors() == (
        "The site has a mistake:\n"
        f"src/{name}:1: only a page may begin with ---: move this code to the page, and pass its "
        "values on"
    )


def test_rendering_a_page_with_frontmatter_shows_no_code(site: SiteMaker, caplog: Any) -> None:
    code = "def GET(render):\n    return render('pages/a.jinja')\n"
    shop = site(
        {"src/pages/x.py": code, "src/pages/a.jinja": "---\nkey = 'secret'\n---\n{{ key }}"}
    )
    response = shop.get("/x")
    assert response.status == 500
    assert "secret" not in response.text()
    assert "only a page may begin with ---" in caplog.text


@pytest.mark.parametrize("folder", ["layouts", "components", "pages"])
@pytest.mark.parametrize(
    "name",
    [".#base.jinja", "._base.jinja", "__pycache__/x.jinja", "node_modules/p/x.jinja", ".v/x.jinja"],
)
def test_files_of_editors_and_tools_are_ignored(site: SiteMaker, folder: str, name: str) -> None:
    shop = site({"src/pages/index.jinja": "ok", f"src/{folder}/{name}": b"{% \xff"})
    (shop.root / f"src/{folder}/.#link.jinja").symlink_to("nobody@host.1:2")
    (shop.root / f"src/{folder}/x.jinja").mkdir()
    assert shop.get("/").text() == "ok"


def test_an_ignored_template_cannot_be_used(site: SiteMaker) -> None:
    files = {"src/components/._card.jinja": "x", "src/components/card.jinja": "y"}
    shop = site({"src/pages/index.jinja": "{% include 'components/._card.jinja' %}", **files})
    assert shop.errors() == (
        "The site has a mistake:\n"
        'src/pages/index.jinja:1: the template "components/._card.jinja" does not exist in src\n'
        '    Did you mean "components/card.jinja"?'
    )


@pytest.mark.parametrize(
    "name",
    [
        "layouts/base.jinja",
        "components/a.jinja",
        "pages/a.jinja",
        "pages/a.md",
        "pages/a.py",
        "pages/_middleware.py",
        "middleware.py",
        "jinja.py",
    ],
)
def test_a_link_that_leads_nowhere_is_a_mistake(site: SiteMaker, name: str) -> None:
    shop = site({"src/pages/index.jinja": "ok"})
    (shop.root / "src" / name).parent.mkdir(exist_ok=True)
    (shop.root / "src" / name).symlink_to("nowhere")
    assert shop.errors() == (
        "The site has a mistake:\n"
        f"src/{name}: can't be read: No such file or directory\n"
        "    Check its permissions, or remove it."
    )


def test_a_page_whose_layout_cannot_be_read_repeats_no_mistake(
    site: SiteMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = "---\nlayout: layouts/base.jinja\n---\n"
    shop = site({"src/pages/index.md": page, "src/layouts/base.jinja": "x"})
    layout = shop.root / "src/layouts/base.jinja"
    monkeypatch.setattr("builtins.open", _deny(layout, open))
    monkeypatch.setattr("io.open", _deny(layout, open))
    assert shop.errors().count("src/layouts/base.jinja") == 1


def test_a_folder_that_cannot_be_read_is_a_mistake(
    site: SiteMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = site({"src/pages/a/index.jinja": "ok"})
    monkeypatch.setattr(os, "scandir", _deny(shop.root / "src/pages/a", os.scandir))
    assert "src/pages/a: can't be read: Permission denied" in shop.errors()


def test_templates_in_linked_folders_are_checked(site: SiteMaker) -> None:
    shop = site({"src/pages/index.jinja": "ok", "src/lib/theme/base.jinja": "{% x %}"})
    (shop.root / "src/layouts").symlink_to("lib/theme")
    (shop.root / "src/components").mkdir()
    (shop.root / "src/components/theme").symlink_to("../lib/theme")
    errors = shop.errors()
    assert "src/layouts/base.jinja:1: " in errors
    assert "src/components/theme/base.jinja:1: " in errors


def _deny(denied: Path, function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that refuses one path."""

    def call(path: Any, *args: Any, **options: Any) -> Any:
        if str(path) == str(denied):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return function(path, *args, **options)

    return call


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


def test_every_template_has_the_additions(site: SiteMaker) -> None:
    text = "{{ 250 | price }} {{ shop }} {{ twice('a') }} {{ 5 is cheap }} {{ 'x' | here }}"
    shop = site(
        {
            "src/jinja.py": ADDITIONS,
            "src/lib/money.py": MONEY,
            "src/pages/page.jinja": "{% from 'components/c.jinja' import c %}{{ c() }}",
            "src/components/c.jinja": "{% macro c() %}" + text + "{% endmacro %}",
        }
    )
    assert shop.get("/page").text() == "&lt;2.50&gt; &lt;Shop&gt; aa True x at /page"


def test_an_unknown_filter_is_a_mistake(site: SiteMaker) -> None:
    assert site({"src/pages/page.jinja": "\n{{ 1 | price }}"}).errors() == (
        "The site has a mistake:\nsrc/pages/page.jinja:2: No filter named 'price'."
    )


REMEDY = '    Write: filters = {"price": format_price}. The same goes for globals and tests.'


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (
            "x = 1\nfilters = [len]\n",
            f"2: filters is not a dict: [<built-in function len>]\n{REMEDY}",
        ),
        (
            "filters = {\n    'a': len,\n    'price': 'x',\n}\n",
            "1: filters['price'] is not a function: 'x'\n    Set it to a function.",
        ),
        (
            "tests = dict(\n    cheap=1)\n",
            "1: tests['cheap'] is not a function: 1\n    Set it to a function.",
        ),
        (
            "import os\nglobals = {'a b': 1}\n",
            "2: globals has the key 'a b'\n    A key is a name: letters, digits and _.",
        ),
        (
            "filters = {**{}, 1: len}\n",
            "1: filters has the key 1\n    A key is a name: letters, digits and _.",
        ),
        (
            "globals = {'url': 1}\n",
            "1: globals has 'url', which is a name of the context\n    Choose another name.",
        ),
        (
            "globals = {'response': 1}\n",
            "1: globals has 'response', which is a name of the context\n    Choose another name.",
        ),
        (
            "if True:\n    globals: dict = 1\n",
            f"1: globals is not a dict: 1\n{REMEDY}",
        ),
        ("filter = {}\n", f" defines no filters, globals or tests\n{REMEDY}"),
        (
            "a.b = {}\n",
            "1: NameError during import: name 'a' is not defined\n    Fix this line.",
        ),
    ],
)
def test_a_mistake_in_the_additions_names_its_line(site: SiteMaker, code: str, text: str) -> None:
    assert site({"src/jinja.py": code}).errors() == (
        f"The site has a mistake:\nsrc/jinja.py:{text}"
    )


def test_other_assignments_in_jinja_py_are_ignored(site: SiteMaker) -> None:
    code = "import os\nos.path.here = 1\ndel os.path.here\nfilters = {}\n"
    assert site({"src/jinja.py": code, "src/pages/x.jinja": "x"}).get("/x").text() == "x"


# ------------------------------------------------------------ hostile text

HOSTILE = "</p></script><script>alert(1)</script>{{ 7 * 191 }}{% raw %}&\"'`<!--]]>"


def test_hostile_text_is_escaped_everywhere(site: SiteMaker) -> None:
    code = f"---\nname = {HOSTILE!r}\n---\n"
    shop = site(
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

    html = shop.get("/html").text()
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
    root = ElementTree.fromstring(shop.get("/feed.xml").text().strip())
    assert (root.text, root.get("b"), root.get("c")) == (HOSTILE, HOSTILE, HOSTILE)


# ------------------------------------------------------------------- chunks


def test_pieces_are_joined_to_chunks() -> None:
    rendered: list[int] = []

    def source() -> Any:
        for number in range(5):
            rendered.append(number)
            yield "x" * 5000

    chunks = TextChunks(source())
    assert rendered == [0, 1]
    assert [len(chunk) for chunk in chunks] == [10000, 10000, 5000]


def test_an_empty_text_has_no_chunks() -> None:
    assert list(TextChunks("" for _ in range(3))) == []
