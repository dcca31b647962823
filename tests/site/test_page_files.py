"""Routes, middleware and other files below `src/pages`."""

from pathlib import Path

import pytest

from framework.site.page_files import PageFile, PageFolder, find_page_files


def found(pages: Path, *names: str) -> PageFolder:
    for name in names:
        path = pages / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return find_page_files(pages, pages)


def test_python_files_are_endpoints_and_templates_are_pages(tmp_path: Path) -> None:
    folder = found(tmp_path, "products/[id].json.py", "index.jinja")
    assert folder.routes == [
        PageFile(str(tmp_path / "index.jinja"), "index.jinja", "page"),
        PageFile(str(tmp_path / "products/[id].json.py"), "products/[id].json.py", "endpoint"),
    ]


def test_files_are_sorted_by_folder_and_name(tmp_path: Path) -> None:
    folder = found(tmp_path, "b/z.py", "b/a.py", "c.py", "a/x.py", "a.py", "B.py")
    names = [file.name for file in folder.routes]
    assert names == ["B.py", "a.py", "c.py", "a/x.py", "b/a.py", "b/z.py"]


@pytest.mark.parametrize(
    "name",
    [
        "_lib.py",
        "_parts/x.py",
        "__pycache__/x.py",
        ".hidden.py",
        ".git/x.py",
        "__init__.py",
        ".#a.jinja",
        "._a.md",
        "node_modules/x.jinja",
        "a/node_modules/b/x.py",
    ],
)
def test_private_names_are_skipped(tmp_path: Path, name: str) -> None:
    folder = found(tmp_path, name)
    assert (folder.routes, folder.middleware, folder.others) == ([], [], [])
    assert folder.errors == []


def test_error_handlers_are_found(tmp_path: Path) -> None:
    folder = found(tmp_path, "_error.py", "api/_error.py", "_parts/_error.py", "x/_errors.py")
    assert [file.name for file in folder.errors] == ["_error.py", "api/_error.py"]
    assert [file.name for file in folder.private] == ["x/_errors.py"]


@pytest.mark.parametrize(
    "name", [".well-known/security.txt.py", ".well-known.py", "a/.well-known/x.jinja"]
)
def test_well_known_is_not_private(tmp_path: Path, name: str) -> None:
    assert [file.name for file in found(tmp_path, name).routes] == [name]


def test_middleware_is_found(tmp_path: Path) -> None:
    folder = found(tmp_path, "_middleware.py", "shop/[id]/_middleware.py", "_x/_middleware.py")
    names = [file.name for file in folder.middleware]
    assert names == ["_middleware.py", "shop/[id]/_middleware.py"]
    assert folder.routes == []


def test_files_with_other_suffixes_are_listed_separately(tmp_path: Path) -> None:
    folder = found(tmp_path, "notes.txt", "data", "x.html", "x.pyc", "_notes.md")
    assert [file.name for file in folder.others] == ["data", "notes.txt", "x.html", "x.pyc"]
    assert folder.routes == []


def test_a_missing_folder_has_no_files(tmp_path: Path) -> None:
    assert find_page_files(tmp_path / "none", tmp_path) == PageFolder()


def test_a_folder_name_may_have_a_suffix(tmp_path: Path) -> None:
    assert [file.name for file in found(tmp_path, "v1.py/x.py").routes] == ["v1.py/x.py"]


def test_linked_folders_are_followed(tmp_path: Path) -> None:
    found(tmp_path / "src/lib/blog", "a.py", "b/_middleware.py", "b/c.jinja", "b/_d/e.py")
    pages = tmp_path / "src/pages"
    pages.mkdir()
    (pages / "blog").symlink_to("../lib/blog")
    (pages / "news").symlink_to("../lib/blog")
    folder = find_page_files(pages, tmp_path)
    assert [file.name for file in folder.routes] == [
        "blog/a.py",
        "blog/b/c.jinja",
        "news/a.py",
        "news/b/c.jinja",
    ]
    assert [file.name for file in folder.middleware] == [
        "blog/b/_middleware.py",
        "news/b/_middleware.py",
    ]


def test_other_links_to_folders_are_listed_separately(tmp_path: Path) -> None:
    site = tmp_path / "site"
    found(tmp_path / "outside", "secret.py")
    pages = site / "src/pages"
    found(pages, "a/x.py")
    (pages / "a" / "here").symlink_to(".")
    (pages / "a" / "up").symlink_to("../../..")
    (pages / "outside").symlink_to(tmp_path / "outside")
    (pages / "loop").symlink_to("loop")
    folder = find_page_files(pages, site)
    assert [file.name for file in folder.routes] == ["a/x.py"]
    assert [file.name for file in folder.others] == ["loop", "outside", "a/here", "a/up"]
