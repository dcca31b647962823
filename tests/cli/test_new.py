import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework import App
from framework.cli import main
from framework.cli.new import escape_name, write_site
from framework.errors import CommandError
from framework.testing import Client
from tests.waiting import PATIENCE

PAGES = ("/", "/about", "/guestbook")
VOID = {"img", "input", "link", "meta"}
MINIMAL = ["README.md", "src/pages/index.py", "wsgi.py"]


class Outline(HTMLParser):
    """The elements of a page; fails where one isn't closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.titles: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        assert len(dict(attrs)) == len(attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] == ["title"]:
            self.titles.append(data)

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.elements)

    def values(self, attribute: str) -> list[str | None]:
        return [attrs[attribute] for _, attrs in self.elements if attribute in attrs]


def files_of(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def run(folder: Path, *command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "my site"
    write_site(folder)
    return folder


@pytest.fixture
def client(folder: Path) -> Iterator[Client]:
    app = App(folder)
    yield Client(app)
    app.close()


# --------------------------------------------------------------------- the site


def test_a_new_site_passes_its_own_tests(folder: Path) -> None:
    assert "7 passed" in run(folder, "pytest", "-p", "no:cacheprovider", "--color=no")
    assert not (folder / "data").exists()


@pytest.mark.parametrize("options", [[], ["--minimal"]])
def test_a_new_site_has_no_warnings(tmp_path: Path, options: list[str]) -> None:
    run(tmp_path, "framework", "new", "site", *options)
    checked = run(tmp_path, "framework", "--root", "site", "check", "--strict")
    assert re.fullmatch(r"\d+ routes?, no mistakes\n", checked)


def test_every_page_is_sound_html_whose_links_lead_somewhere(client: Client) -> None:
    for path in PAGES:
        response = client.get(path)
        page = Outline(response.text())
        assert response.status == 200
        assert response.headers["content-type"] == "text/html;charset=UTF-8"
        assert [page.count(tag) for tag in ("html", "title", "h1", "main", "nav")] == [1] * 5
        assert page.values("aria-current") == ["page"]
        ids = page.values("id")
        assert len(set(ids)) == len(ids)
        assert {*page.values("for"), *page.values("aria-labelledby")} <= set(ids)
        for link in page.values("href"):
            assert link is not None
            assert client.get(link).status == 200, f"{path} leads to {link}"


def test_an_unknown_url_gets_the_404_page_of_the_site(client: Client) -> None:
    response = client.get("/<lost>", headers={"accept": "text/html"})
    html = response.text()
    page = Outline(html)
    assert response.status == 404
    assert page.titles == ["Not found · my site"]
    assert page.values("aria-current") == []
    assert "<code>/%3Clost%3E</code>" in html


def test_a_note_is_redirected_shown_as_text_and_thanked_for_once(client: Client) -> None:
    note = {"name": "<b>Ada</b>", "message": "{{ 7 * 7 }} & so on\r\n" + "😀" * 400}
    response = client.post("/guestbook", form=note)
    assert (response.status, response.headers["location"]) == (303, "/guestbook")
    html = client.get("/guestbook").text()
    Outline(html)
    assert 'role="status"' in html
    assert "<h3>&lt;b&gt;Ada&lt;/b&gt;</h3>" in html
    assert "{{ 7 * 7 }} &amp; so on" in html
    assert 'role="status"' not in client.get("/guestbook").text()


@pytest.mark.parametrize(
    ("form", "errors"),
    [
        ({}, ["Please write a name.", "Please write a message."]),
        ({"name": "Ada", "message": " \n"}, ["Please write a message."]),
        ({"name": "A" * 51, "message": "Hi"}, ["Please use at most 50 characters, not 51."]),
    ],
)
def test_a_wrong_note_is_shown_with_its_errors(
    client: Client, form: dict[str, str], errors: list[str]
) -> None:
    response = client.post("/guestbook", form=form)
    html = response.text()
    page = Outline(html)
    assert response.status == 422
    assert page.titles == ["Error: Guestbook · my site"]
    assert re.findall(r'-error">(.*?)</p>', html) == errors
    assert set(page.values("aria-describedby")) <= set(page.values("id"))
    assert len(page.values("aria-invalid")) == len(errors)
    assert f'value="{form.get("name", "")}"' in html
    assert "There are no notes yet." in html


def test_the_newest_notes_are_the_first_and_twenty_at_most(client: Client) -> None:
    for number in range(22):
        client.post("/guestbook", form={"name": f"Visitor {number}", "message": "Hi"})
    names = re.findall("<h3>(.*?)</h3>", client.get("/guestbook").text())
    assert names == [f"Visitor {number}" for number in range(21, 1, -1)]


def test_a_form_of_another_site_is_refused(client: Client) -> None:
    form = {"name": "Ada", "message": "Hi"}
    response = client.post("/guestbook", form=form, headers={"origin": "https://evil.example"})
    assert response.status == 403


def test_every_response_has_the_headers_of_the_middleware(client: Client) -> None:
    for path in ("/", "/api/health", "/nowhere"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "default-src 'self'" in headers["content-security-policy"]


# -------------------------------------------------------------------- the files


def test_every_file_ends_with_one_newline_and_has_no_placeholder(tmp_path: Path) -> None:
    for minimal in (False, True):
        folder = tmp_path / str(minimal)
        files = write_site(folder, minimal=minimal)
        assert sorted(map(Path.as_posix, files)) == files_of(folder)
        for file in files:
            text = (folder / file).read_text(encoding="utf-8")
            assert text.endswith("\n"), file
            assert not text.endswith("\n\n"), file
            assert "SITE_NAME" not in text, file
            assert "\r" not in text, file


def test_a_minimal_site_is_three_files(tmp_path: Path) -> None:
    write_site(tmp_path, minimal=True)
    assert files_of(tmp_path) == MINIMAL
    app = App(tmp_path)
    try:
        assert app.fetch("/?name=Ada").text() == "Hello, Ada!\n"
        assert app.fetch("/").text() == "Hello, world!\n"
    finally:
        app.close()


@pytest.mark.parametrize("minimal", [False, True])
def test_any_wsgi_server_finds_the_site(tmp_path: Path, minimal: bool) -> None:
    write_site(tmp_path, minimal=minimal)
    program = "from wsgi import application; print(application.fetch('/').status)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.stdout == "200\n", done.stderr


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Café – 日本", "Café – 日本"),
        ("{{ 7 * 7 }} {% raw %} {# <b>&", "{{ 7 * 7 }} {% raw %} {# <b>&"),
        ("a\nb", "a b"),
        ("'\"\\", "'\"\\"),
    ],
)
def test_a_site_has_the_name_of_its_folder(tmp_path: Path, name: str, shown: str) -> None:
    folder = tmp_path / name
    write_site(folder)
    app = App(folder)
    try:
        html = app.fetch("/about").text()
    finally:
        app.close()
    assert Outline(html).titles == [f"About · {shown}"]
    heading = (folder / "README.md").read_text(encoding="utf-8").partition("\n")[0]
    assert re.sub(r"\\(.)", r"\1", heading) == f"# {shown}"


@pytest.mark.parametrize(("name", "shown"), [("\t", "Site"), (os.fsdecode(b"caf\xe9"), r"caf\?")])
def test_a_name_without_printable_text_is_replaced(tmp_path: Path, name: str, shown: str) -> None:
    folder = tmp_path / name
    write_site(folder, minimal=True)
    assert (folder / "README.md").read_text(encoding="utf-8").startswith(f"# {shown}\n")


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"])))
def test_a_template_shows_any_name_as_text(name: str) -> None:
    escaped = escape_name(name, Path("base.jinja"))
    assert not re.search("[<>\"']", escaped)
    template = jinja2.Environment(autoescape=True, keep_trailing_newline=True).from_string(escaped)
    assert unescape(template.render()) == name


# --------------------------------------------------------------------- refusals


def test_a_folder_that_is_not_empty_is_refused(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    with pytest.raises(CommandError) as caught:
        write_site(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}: the folder is not empty.\n    Name an empty folder or a new one."
    )
    assert files_of(tmp_path) == ["README.md"]
    assert (tmp_path / "README.md").read_text() == "mine"


def test_a_folder_may_contain_a_repository_and_a_virtual_environment(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".venv").mkdir()
    write_site(tmp_path, minimal=True)
    assert files_of(tmp_path) == MINIMAL


@pytest.mark.parametrize(
    ("name", "reason"), [("file", "File exists"), ("file/inside", "Not a directory")]
)
def test_a_file_is_not_a_folder(tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CommandError) as caught:
        write_site(tmp_path / name)
    assert str(caught.value) == (
        f"{tmp_path / name}: {reason}.\n    Name a folder that you can write."
    )


def test_a_file_that_appears_meanwhile_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "wsgi.py").write_text("mine")
    monkeypatch.setattr(Path, "iterdir", lambda folder: iter(()))
    with pytest.raises(CommandError, match=r"wsgi\.py: File exists"):
        write_site(tmp_path, minimal=True)
    assert (tmp_path / "wsgi.py").read_text() == "mine"


# ------------------------------------------------------------------ the command


def test_the_command_prints_what_to_do_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new", "my site"]) == 0
    count = len(files_of(tmp_path / "my site"))
    assert (
        capsys.readouterr().out
        == f"""\
Wrote {count} files to my site

Next:

  cd 'my site'
  framework dev                      serve it, and reload on every save
  pip install -r requirements.txt    install pytest
  python -m pytest                   run its tests
"""
    )


def test_a_site_can_be_written_to_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new", ".", "--minimal"]) == 0
    assert (
        capsys.readouterr().out
        == """\
Wrote 3 files to .

Next:

  framework dev                      serve it, and reload on every save
"""
    )
    assert files_of(tmp_path) == MINIMAL


def test_the_folder_is_one_below_the_root(tmp_path: Path) -> None:
    assert main(["--root", str(tmp_path), "new", "a/b", "--minimal"]) == 0
    assert files_of(tmp_path / "a" / "b") == MINIMAL


def test_a_second_new_site_in_the_same_folder_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new", str(tmp_path / "site")]) == 0
    capsys.readouterr()
    assert main(["new", str(tmp_path / "site")]) == 1
    assert "is not empty" in capsys.readouterr().err
