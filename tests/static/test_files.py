"""Static files: paths, headers, conditions, ranges and encodings."""

import os
from pathlib import Path
from typing import Any
from wsgiref.validate import validator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.exceptions import NotFound, RequestedRangeNotSatisfiable

from framework import Config, Response
from framework.static.files import (
    SUFFIXES,
    StaticFile,
    choose_encoding,
    find_static_files,
    make_headers,
)
from tests.conftest import SiteMaker, TestSite, make_environ

TEN = b"0123456789"
MTIME = 1_700_000_000
LAST_MODIFIED = "Tue, 14 Nov 2023 22:13:20 GMT"
PLAIN = make_headers("text/plain")


@pytest.fixture
def shop(site: SiteMaker) -> TestSite:
    """A site with the public file `/ten.txt`, last modified at `MTIME`."""
    shop = site({"public/ten.txt": TEN, "src/pages/index.jinja": "home"})
    os.utime(shop.root / "public/ten.txt", (MTIME, MTIME))
    return shop


def get(shop: TestSite, method: str = "GET", path: str = "/ten.txt", **headers: str) -> Response:
    return shop.request(
        method, path, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )


# ------------------------------------------------------------------ finding files


def names_in(folder: Path, prefix: str = "") -> list[str]:
    return sorted(find_static_files(folder, prefix))


@pytest.mark.parametrize("mode", ["production", "dev", "build"])
@pytest.mark.parametrize(
    "names", [("caf\u00e9.txt", "cafe\u0301.txt"), ("\u00e9/a/x", "e\u0301/a/x")]
)
def test_two_names_in_different_unicode_forms_are_a_mistake(
    site: SiteMaker, names: tuple[str, str], mode: str
) -> None:
    first, second = sorted(f"public/{name}" for name in names)
    text = site({first: "one", second: "two"}, mode=mode).errors()
    assert text == (
        f"The site has a mistake:\n{first} and {second} have the same URL: their names are one text "
        f"in two Unicode forms, {first!a} and {second!a}\n    Remove or rename one of them."
    )


def test_a_missing_folder_has_no_files(tmp_path: Path) -> None:
    assert names_in(tmp_path / "public") == []


def test_a_file_is_found_by_its_decoded_path(tmp_path: Path) -> None:
    (tmp_path / "a b").mkdir()
    (tmp_path / "a b/caf\u00e9.txt").touch()
    assert names_in(tmp_path) == ["/a b/caf\u00e9.txt"]
    assert names_in(tmp_path, "/docs") == ["/docs/a b/caf\u00e9.txt"]


def test_names_are_normalized_to_nfc(tmp_path: Path) -> None:
    (tmp_path / "cafe\u0301.txt").touch()
    assert names_in(tmp_path) == ["/caf\u00e9.txt"]


def test_a_name_may_be_invalid_utf_8(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")).touch()
    assert names_in(tmp_path) == ["/caf\udce9"]  # no request asks for it


def test_dotfiles_are_skipped_except_well_known(tmp_path: Path) -> None:
    for name in (
        ".env",
        ".git/config",
        ".well-known/security.txt",
        ".well-known/.x",
        "a/.b/c",
        "d",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert names_in(tmp_path) == ["/.well-known/security.txt", "/d"]


def test_links_that_lead_out_of_the_folder_are_skipped(tmp_path: Path) -> None:
    public, evil = tmp_path / "public", tmp_path / "public-evil"
    public.mkdir()
    evil.mkdir()
    (evil / "secret").touch()
    (public / "own").touch()
    (public / "inside").symlink_to("own")
    (public / "file").symlink_to(evil / "secret")
    (public / "passwd").symlink_to("/etc/passwd")
    (public / "folder").symlink_to(evil)
    (public / "nowhere").symlink_to("nothing")
    assert names_in(public) == ["/inside", "/own"]


def test_the_folder_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real/a").touch()
    (tmp_path / "public").symlink_to("real")
    assert names_in(tmp_path / "public") == ["/a"]


def test_only_regular_files_are_found(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert names_in(tmp_path) == []


# ------------------------------------------------------------------ requests to a site


def test_a_file_is_sent_whole_with_its_headers(shop: TestSite) -> None:
    response = get(shop)
    assert (response.status, response.bytes()) == (200, TEN)
    headers = dict(response.headers)
    assert headers.pop("etag").strip('"').endswith("-a")
    assert headers == {
        "accept-ranges": "bytes",
        "cache-control": "public, max-age=0",
        "content-length": "10",
        "content-type": "text/plain;charset=UTF-8",
        "last-modified": LAST_MODIFIED,
        "x-content-type-options": "nosniff",
    }


def test_head_has_the_headers_of_get(shop: TestSite) -> None:
    head, whole = get(shop, "HEAD"), get(shop)
    assert (head.status, dict(head.headers)) == (200, dict(whole.headers))


def test_an_empty_file_is_sent(site: SiteMaker) -> None:
    shop = site({"public/empty": b""})
    response = get(shop, path="/empty")
    assert (response.status, response.bytes(), response.headers["content-length"]) == (
        200,
        b"",
        "0",
    )


def test_a_large_file_is_sent_in_blocks(site: SiteMaker) -> None:
    data = bytes(range(256)) * 1000
    shop = site({"public/large": data})
    body = shop.app(make_environ("GET", "/large"), lambda *_: None)
    blocks = list(body)
    body.close()
    assert [len(block) for block in blocks] == [65536, 65536, 65536, 59392]
    assert b"".join(blocks) == data


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_other_methods_do_not_match_files(shop: TestSite, method: str) -> None:
    assert get(shop, method, content_type="application/json").status == 404


def test_a_file_comes_before_a_route_for_get_only(site: SiteMaker) -> None:
    shop = site(
        {
            "public/both.txt": "file",
            "src/pages/both.txt.py": "from framework import Response\n"
            "def ALL(request): return Response(request.method)\n",
        }
    )
    assert get(shop, path="/both.txt").text() == "file"
    assert get(shop, "PUT", "/both.txt", content_type="a/b").text() == "PUT"


def test_files_are_below_base(site: SiteMaker) -> None:
    shop = site({"public/a.txt": "a"}, config=Config(base="/docs"))
    assert get(shop, path="/docs/a.txt").text() == "a"
    assert get(shop, path="/a.txt").status == 404


def test_files_are_found_below_a_mount_point(site: SiteMaker) -> None:
    shop = site({"public/a.txt": "a"})
    assert shop.get("/a.txt", environ={"SCRIPT_NAME": "/app"}).text() == "a"
    moved = shop.get("//a.txt", environ={"SCRIPT_NAME": "/app"})
    assert (moved.status, moved.headers["location"]) == (301, "/app/a.txt")


def test_names_may_have_any_characters(site: SiteMaker) -> None:
    shop = site({"public/\u4f60\u597d/caf\u00e9 \u00fc.txt": "odd"})
    assert get(shop, path="/%E4%BD%A0%E5%A5%BD/caf%C3%A9%20%C3%BC.txt").text() == "odd"
    assert get(shop, path="/%E4%BD%A0%E5%A5%BD/cafe%CC%81%20u%CC%88.txt").text() == "odd"


@pytest.mark.parametrize(
    "path",
    [
        "/..%2f..%2fetc%2fpasswd",
        "/%2e%2e/framework.config.py",
        "/%c0%ae%c0%ae/etc/passwd",
        "/..%5cframework.config.py",
        "/ten.txt%00",
        "/ten.txt%0a",
    ],
)
def test_paths_that_could_lead_out_are_refused(shop: TestSite, path: str) -> None:
    assert get(shop, path=path).status == 400


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/ten.txt/",
        "/ten.txt/x",
        "/TEN.txt",
        "/CON",
        "/" + "x" * 300,
        "/etc/passwd",
        "/src/pages/index.jinja",
        "/framework.config.py",
        "/public/ten.txt",
        "/%2e%2e%2e/x",
    ],
)
def test_other_paths_do_not_find_the_file(shop: TestSite, path: str) -> None:
    assert b"0123" not in get(shop, path=path).bytes()
    assert get(shop, path=path).status == (200 if path == "/" else 404)


def test_repeated_slashes_redirect_to_the_file(shop: TestSite) -> None:
    response = get(shop, path="//ten.txt")
    assert (response.status, response.headers["location"]) == (301, "/ten.txt")


def test_a_deleted_file_is_not_found(shop: TestSite) -> None:
    shop.app  # noqa: B018 - it is started
    (shop.root / "public/ten.txt").unlink()
    assert get(shop).status == 404


def test_a_file_that_became_a_folder_is_not_found(shop: TestSite) -> None:
    shop.app  # noqa: B018 - it is started
    (shop.root / "public/ten.txt").unlink()
    (shop.root / "public/ten.txt").mkdir()
    assert get(shop).status == 404


def test_a_device_is_not_found() -> None:
    with pytest.raises(NotFound):
        StaticFile("/dev/null", PLAIN).respond({"REQUEST_METHOD": "GET"})


def test_an_error_of_the_disk_is_not_found_and_closes_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    path.write_bytes(TEN)
    opened = []

    def fail(number: int) -> os.stat_result:
        opened.append(number)
        raise OSError("input/output error")

    monkeypatch.setattr(os, "fstat", fail)
    with pytest.raises(NotFound):
        StaticFile(str(path), PLAIN).respond({"REQUEST_METHOD": "GET"})
    monkeypatch.undo()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(opened[-1])


def test_a_growing_file_is_sent_with_the_announced_length(shop: TestSite) -> None:
    sent: list[Any] = []
    body = validator(shop.app)(make_environ("GET", "/ten.txt"), lambda *head: sent.extend(head))
    with (shop.root / "public/ten.txt").open("ab") as file:
        file.write(b"more")
    assert b"".join(body) == TEN
    body.close()
    assert dict(sent[1])["content-length"] == "10"


# ------------------------------------------------------------------ conditions (RFC 9110, 13)


def test_if_none_match(shop: TestSite) -> None:
    etag = get(shop).headers["etag"]
    for value in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        response = get(shop, if_none_match=value)
        assert response.status == 304
        assert response.headers["etag"] == etag
        assert "content-length" not in response.headers
    assert get(shop, if_none_match='"other"').status == 200
    assert get(shop, "HEAD", if_none_match=etag).status == 304


def test_if_modified_since(shop: TestSite) -> None:
    assert get(shop, if_modified_since=LAST_MODIFIED).status == 304
    assert get(shop, if_modified_since="Tue, 14 Nov 2023 22:13:19 GMT").status == 200
    assert get(shop, if_modified_since="not a date").status == 200
    assert get(shop, if_modified_since=LAST_MODIFIED, if_none_match='"other"').status == 200


def test_if_match(shop: TestSite) -> None:
    etag = get(shop).headers["etag"]
    assert get(shop, if_match=etag).status == 200
    assert get(shop, if_match="*").status == 200
    for value in ('"other"', f"W/{etag}"):
        response = get(shop, if_match=value)
        assert (response.status, response.bytes()) == (412, b"")
        assert response.headers["cache-control"] == "public, max-age=0"


def test_if_unmodified_since(shop: TestSite) -> None:
    assert get(shop, if_unmodified_since=LAST_MODIFIED).status == 200
    assert get(shop, if_unmodified_since="Tue, 14 Nov 2023 22:13:19 GMT").status == 412
    assert get(shop, if_unmodified_since="not a date").status == 200
    etag = get(shop).headers["etag"]
    early = "Tue, 14 Nov 2023 22:13:19 GMT"
    assert get(shop, if_match=etag, if_unmodified_since=early).status == 200


def test_a_modified_file_has_another_etag(shop: TestSite) -> None:
    etag = get(shop).headers["etag"]
    os.utime(shop.root / "public/ten.txt", (MTIME, MTIME + 1))
    assert get(shop, if_none_match=etag).status == 200


# ------------------------------------------------------------------ ranges (RFC 9110, 14)


@pytest.mark.parametrize(
    ("wanted", "content_range", "body"),
    [
        ("bytes=0-3", "bytes 0-3/10", b"0123"),
        ("bytes=4-4", "bytes 4-4/10", b"4"),
        ("bytes=7-", "bytes 7-9/10", b"789"),
        ("bytes=7-99", "bytes 7-9/10", b"789"),
        ("bytes=0-", "bytes 0-9/10", TEN),
        ("bytes=-3", "bytes 7-9/10", b"789"),
        ("bytes=-99", "bytes 0-9/10", TEN),
        ("BYTES=0-0", "bytes 0-0/10", b"0"),
    ],
)
def test_a_range_is_sent(shop: TestSite, wanted: str, content_range: str, body: bytes) -> None:
    response = get(shop, range=wanted)
    assert (response.status, response.bytes()) == (206, body)
    assert response.headers["content-range"] == content_range
    assert response.headers["content-length"] == str(len(body))
    assert response.headers["content-type"] == "text/plain;charset=UTF-8"


@pytest.mark.parametrize("wanted", ["bytes=10-", "bytes=10-20", "bytes=999-", "bytes=-0"])
def test_a_range_beyond_the_end_is_416(shop: TestSite, wanted: str) -> None:
    response = get(shop, range=wanted)
    assert (response.status, response.headers["content-range"]) == (416, "bytes */10")
    assert "etag" not in response.headers


@pytest.mark.parametrize(
    "wanted",
    [
        "words=1-2",
        "bytes=",
        "bytes=-",
        "bytes=5-2",
        "bytes=a-b",
        "bytes=0-1,3-4",
        "bytes=" + ",".join("0-" for _ in range(1300)),
        "bytes=" + "9" * 5000 + "-",
        "bytes= 0-1",
        "bytes=\xb2-",
        "0-1",
    ],
)
def test_other_range_headers_are_ignored(shop: TestSite, wanted: str) -> None:
    response = get(shop, range=wanted)
    assert (response.status, response.bytes()) == (200, TEN)


def test_an_empty_file_has_no_ranges(site: SiteMaker) -> None:
    shop = site({"public/empty": b""})
    assert get(shop, path="/empty", range="bytes=0-").status == 416
    assert get(shop, path="/empty", range="bytes=-1").status == 416


def test_head_ignores_ranges(shop: TestSite) -> None:
    response = get(shop, "HEAD", range="bytes=0-3")
    assert (response.status, response.headers["content-length"]) == (200, "10")


def test_if_range_compares_etag_or_date(shop: TestSite) -> None:
    etag = get(shop).headers["etag"]
    part = {"range": "bytes=0-3"}
    assert get(shop, if_range=etag, **part).status == 206
    assert get(shop, if_range=LAST_MODIFIED, **part).status == 206
    assert get(shop, if_range='"other"', **part).status == 200
    assert get(shop, if_range=f"W/{etag}", **part).status == 200
    assert get(shop, if_range="Tue, 14 Nov 2023 22:13:21 GMT", **part).status == 200
    assert get(shop, if_range="not a date", **part).status == 200
    assert get(shop, if_range="Tue, 14 Nov 99999999999999999999 22:13:20 GMT", **part).status == 200


def test_conditions_are_checked_before_ranges(shop: TestSite) -> None:
    etag = get(shop).headers["etag"]
    assert get(shop, if_none_match=etag, range="bytes=0-3").status == 304
    assert get(shop, if_match='"other"', range="bytes=0-3").status == 412


@given(st.integers(0, 20), st.integers(0, 20), st.integers(0, 12))
def test_a_range_equals_a_slice(
    tmp_path_factory: pytest.TempPathFactory, first: int, last: int, size: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "ranged"
    path.write_bytes(TEN[:size])
    environ = {"REQUEST_METHOD": "GET", "HTTP_RANGE": f"bytes={first}-{last}"}
    file = StaticFile(str(path), PLAIN)
    if last < first:
        response = file.respond(environ)
        assert (response.status, response.bytes()) == (200, TEN[:size])
    elif first >= min(size, len(TEN)):
        with pytest.raises(RequestedRangeNotSatisfiable):
            file.respond(environ)
    else:
        response = file.respond(environ)
        assert (response.status, response.bytes()) == (206, TEN[:size][first : last + 1])


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "ACCEPT_ENCODING",
                "RANGE",
                "IF_RANGE",
                "IF_MATCH",
                "IF_NONE_MATCH",
                "IF_MODIFIED_SINCE",
                "IF_UNMODIFIED_SINCE",
            ]
        ),
        st.text(st.characters(min_codepoint=32, max_codepoint=255))
        | st.from_regex(r"bytes=\d*-\d*", fullmatch=True)
        | st.from_regex(r"(gzip|\*)(;q=[01])?(, ?br;q=[01])?", fullmatch=True)
        | st.from_regex(r"(W/)?\"\w*\"(, \"\w*\")*", fullmatch=True)
        | st.from_regex(r"\w{3}, \d\d? \w{3} \d{1,12} \d\d:\d\d:\d\d \w{0,4}", fullmatch=True),
    )
)
def test_any_header_gets_a_valid_response(
    tmp_path_factory: pytest.TempPathFactory, headers: dict[str, str]
) -> None:
    path = tmp_path_factory.getbasetemp() / "hostile"
    path.write_bytes(TEN)
    path.with_name("hostile.gz").write_bytes(TEN[:5])
    environ = {"REQUEST_METHOD": "GET"} | {f"HTTP_{name}": v for name, v in headers.items()}
    file = StaticFile(str(path), PLAIN, '"1"', 0, 1 << 62, ("gzip", "br"), str(path))
    try:
        response = file.respond(environ)
    except RequestedRangeNotSatisfiable:
        return
    assert response.status in (200, 206, 304, 412)
    assert len(response.bytes()) <= 10


# ------------------------------------------------------------------ encodings (RFC 9110, 12.5.3)


def test_files_of_one_type_share_their_headers(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt", "c.css"):
        (tmp_path / name).touch()
    found = find_static_files(tmp_path)
    assert found["/a.txt"].headers is found["/b.txt"].headers
    assert found["/c.css"].content_type == "text/css;charset=UTF-8"


@pytest.mark.parametrize(
    ("own", "vary"),
    [
        (None, "accept-encoding"),
        ("cookie", "cookie, accept-encoding"),
        ("Cookie,Accept-Encoding", "Cookie,Accept-Encoding"),
        ("*", "*"),
    ],
)
def test_a_file_with_variants_varies_by_accept_encoding(own: str | None, vary: str) -> None:
    said = [] if own is None else [("vary", own)]
    assert make_headers("text/plain", said, varies=True)["vary"] == vary
    assert make_headers("text/plain", said).get("vary") == own


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip, deflate", "gzip"),
        ("GZip", "gzip"),
        ("x-gzip", "gzip"),
        ("x-gzip;q=0, *", "br"),
        ("br;q=0.1, gzip;q=0.2", "gzip"),
        ("gzip;q=1.000, br;q=0.999", "gzip"),
        ("*", "br"),
        ("*;q=0.5, gzip", "gzip"),
        ("br;q=0, *;q=0.1", "gzip"),
        ("gzip, identity", "gzip"),
        ("gzip;q=0.5, identity", None),
        ("gzip;q=0.5, *", "br"),
        ("gzip;q=0, br;q=0", None),
        ("*;q=0", None),
        ("identity;q=0", None),
        ("identity;q=0, gzip;q=0.1", "gzip"),
        ("deflate", None),
        ("gzip;q=2, br;q=x", None),
        ("gzip;q=0, gzip", "gzip"),
        ("", None),
        (",;q=", None),
    ],
)
def test_the_encoding_with_the_highest_quality_wins(accepted: str, encoding: str | None) -> None:
    assert choose_encoding(accepted, ("br", "gzip")) == encoding


def test_an_asterisk_includes_the_identity_coding() -> None:
    assert choose_encoding("gzip;q=0.3, *;q=0.5", ("gzip",)) is None
    assert choose_encoding("gzip;q=0.3, *;q=0.5, identity;q=0.1", ("gzip",)) == "gzip"


NAMES = ["gzip", "GZIP", "x-gzip", "br", "zstd", "identity", "*", "deflate"]
QUALITIES = {"": 1.0, ";q=1": 1.0, "; q=0.5": 0.5, ";q=0.25": 0.25, ";q=0.001": 0.001, ";q=0": 0.0}


@given(
    st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(sorted(QUALITIES)))),
    st.permutations(sorted(SUFFIXES)),
    st.integers(1, 3),
    st.sampled_from([",", ", ", " ,, "]),
)
def test_the_encoding_equals_that_of_a_simple_ranking(
    said: list[tuple[str, str]], order: list[str], count: int, comma: str
) -> None:
    available = tuple(order[:count])

    def quality_of(coding: str) -> float:
        names = {coding, f"x-{coding}"} if coding == "gzip" else {coding}
        own = [QUALITIES[q] for name, q in said if name.lower() in names]
        others = [QUALITIES[q] for name, q in said if name == "*"]
        if own or others:
            return max(own or others)
        return 0.0001 if coding == "identity" else 0.0

    ranking = sorted([*available, "identity"], key=lambda coding: -quality_of(coding))
    best = ranking[0] if quality_of(ranking[0]) > 0 else "identity"
    chosen = choose_encoding(comma.join(name + q for name, q in said), available)
    assert chosen == (None if best == "identity" else best)


@given(st.text(st.characters(max_codepoint=255)))
def test_any_header_chooses_an_available_encoding(accepted: str) -> None:
    assert choose_encoding(accepted, ("zstd", "gzip")) in ("zstd", "gzip", None)
