"""Two files of a build that cannot both be written."""

import pytest

from tests.build.conftest import LISTED, StaticSiteMaker, listed, returning
from tests.conftest import HANDLER


def test_two_routes_with_one_file_are_named(static_site: StaticSiteMaker) -> None:
    files = {"src/pages/a.html.py": HANDLER, "src/pages/a.jinja": "a"}
    assert static_site(files, "build=Build(format='file')").mistakes() == (
        "src/pages/a.jinja and src/pages/a.html.py would both write a.html.\n    Keep one of them."
    )


@pytest.mark.parametrize("public", ["caf\u00e9.txt", "cafe\u0301.txt"])
def test_a_route_and_a_public_file_with_one_name_are_named(
    static_site: StaticSiteMaker, public: str
) -> None:
    files = {"src/pages/caf\u00e9.txt.py": HANDLER, f"public/{public}": "x"}
    assert static_site(files).mistakes() == (
        f"src/pages/caf\u00e9.txt.py and public/{public} have the same path, /caf\u00e9.txt.\n"
        "    Keep one of them."
    )


@pytest.mark.parametrize("form", ["file", "preserve"])
@pytest.mark.parametrize("base", ["", "/docs"])
def test_a_page_whose_path_is_that_of_a_public_file_is_named(
    static_site: StaticSiteMaker, form: str, base: str
) -> None:
    code = f"---\n{LISTED.partition('def GET')[0].replace('ITEMS', repr(['a', 'b']))}---\nx"
    config = f"build=Build(format={form!r}), base={base or '/'!r}"
    one = static_site({"src/pages/[id].jinja": code, "public/a": "x"}, config)
    assert one.mistakes() == (
        f"src/pages/[id].jinja and public/a have the same path, {base}/a.\n    Keep one of them."
    )


@pytest.mark.parametrize("name", [".framework.json", ".framework.nginx.conf"])
def test_a_redirect_must_not_write_a_file_of_the_build(
    static_site: StaticSiteMaker, name: str
) -> None:
    text = static_site({}, f"redirects={{'/{name}': '/'}}").mistakes()
    assert text.startswith(
        f"framework.config.py: redirects['/{name}'] and the build would both write {name}/"
    )


@pytest.mark.parametrize(
    ("file", "below", "name"),
    [
        ("src/pages/api.py", "src/pages/api/v1/x.py", "api/v1/x"),
        ("src/pages/api.py", "public/api/x.txt", "api/x.txt"),
        ("public/api", "src/pages/api/x.py", "api/x"),
    ],
)
def test_a_file_where_a_folder_must_be_names_both(
    static_site: StaticSiteMaker, file: str, below: str, name: str
) -> None:
    assert static_site({file: HANDLER, below: HANDLER}).mistakes() == (
        f"{file} would write the file api, and {below} needs a folder there for {name}.\n"
        "    Rename one, or give it an extension."
    )


def test_a_compressed_variant_is_a_file_too(static_site: StaticSiteMaker) -> None:
    files = {
        "src/pages/a.txt.py": returning("Response('again ' * 999)"),
        "src/pages/a.txt.gz.py": HANDLER,
        "src/pages/[id].css.py": listed("['x']").replace("str(params['id'])", "'again ' * 999"),
        "public/x.css.gz": "",
    }
    assert static_site(files, "build=Build(compress=True)").mistakes() == (
        "src/pages/[id].css.py and public/x.css.gz would both write x.css.gz.\n"
        "    Keep one of them.\n"
        "src/pages/a.txt.gz.py and src/pages/a.txt.py would both write a.txt.gz.\n"
        "    Keep one of them."
    )


def test_a_path_that_is_listed_twice_names_both_items(static_site: StaticSiteMaker) -> None:
    text = static_site({"src/pages/[id].py": listed("'cdac'")}).mistakes()
    assert "item 3 of get_static_paths() has the path of item 0, /c." in text


def test_a_public_file_and_a_folder_with_its_name_in_another_form_are_a_mistake(
    static_site: StaticSiteMaker,
) -> None:
    one = static_site({"src/pages/x.jinja": "x", "public/é": "x", "public/é/y": "y"})
    assert "public/ has the same name in another Unicode form" in one.mistakes()
