"""Static files: which ones, with which headers, which part or which encoding of them."""

import os
from pathlib import Path
from typing import Any
from wsgiref.validate import validator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.exceptions import NotFound, RequestedRangeNotSatisfiable

from framework import Config
from framework.static.files import (
    SUFFIXES,
    StaticFile,
    choose_encoding,
    content_type_of,
    find_static_files,
    make_headers,
)
from tests.conftest import SiteMaker

TEN = b"0123456789"
MTIME = 1_700_000_000
LAST_MODIFIED = "Tue, 14 Nov 2023 22:13:20 GMT"
PLAIN = make_headers("text/plain")


@pytest.fixture
def made(site: SiteMaker) -> Any:
    made = site({"public/ten.txt": TEN, "src/pages/index.jinja": "home"})
    os.utime(made.root / "public/ten.txt", (MTIME, MTIME))
    return made


def get(made: Any, method: str = "GET", path: str = "/ten.txt", **headers: str) -> Any:
    return made.request(
        method, path, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )


# ------------------------------------------------------------------ which files


def names_in(folder: Path, base: str = "/") -> list[str]:
    return sorted(find_static_files(folder, base))


def test_a_folder_that_is_not_there_has_no_files(tmp_path: Path) -> None:
    assert names_in(tmp_path / "public") == []


def test_a_file_is_found_by_its_path_info(tmp_path: Path) -> None:
    (tmp_path / "a b").mkdir()
    (tmp_path / "a b/caf\u00e9.txt").touch()
    assert names_in(tmp_path) == ["/a b/caf\xc3\xa9.txt"]
    assert names_in(tmp_path, "/docs") == ["/docs/a b/caf\xc3\xa9.txt"]


def test_a_name_is_found_however_its_accents_are_composed(tmp_path: Path) -> None:
    (tmp_path / "cafe\u0301.txt").touch()
    assert names_in(tmp_path) == ["/caf\xc3\xa9.txt"]


def test_a_name_that_is_not_utf_8_does_no_harm(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")).touch()
    assert names_in(tmp_path) == ["/caf\xe9"]


def test_dotfiles_are_left_out_but_not_well_known(tmp_path: Path) -> None:
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


def test_links_that_lead_out_are_left_out(tmp_path: Path) -> None:
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


def test_a_public_folder_may_be_a_link_itself(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real/a").touch()
    (tmp_path / "public").symlink_to("real")
    assert names_in(tmp_path / "public") == ["/a"]


def test_what_is_no_regular_file_is_left_out(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert names_in(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("a.css", "text/css;charset=UTF-8"),
        ("a.html", "text/html;charset=UTF-8"),
        ("a.js", "text/javascript;charset=UTF-8"),
        ("a.mjs", "text/javascript;charset=UTF-8"),
        ("a.json", "application/json"),
        ("a.js.map", "application/json"),
        ("a.svg", "image/svg+xml;charset=UTF-8"),
        ("A.PNG", "image/png"),
        ("photo.webp", "image/webp"),
        ("a.woff2", "font/woff2"),
        ("a.wasm", "application/wasm"),
        ("LICENSE", "application/octet-stream"),
        ("a.tar.gz", "application/octet-stream"),
        ("a.svgz", "application/octet-stream"),
        ("http:x.css", "text/css;charset=UTF-8"),
    ],
)
def test_the_name_says_the_type(name: str, content_type: str) -> None:
    assert content_type_of(name) == content_type


# ------------------------------------------------------------------ over the site


def test_a_file_is_sent_whole_with_its_headers(made: Any) -> None:
    response = get(made)
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


def test_head_says_what_get_would(made: Any) -> None:
    head, whole = get(made, "HEAD"), get(made)
    assert (head.status, dict(head.headers)) == (200, dict(whole.headers))


def test_an_empty_file_is_sent(site: SiteMaker) -> None:
    made = site({"public/empty": b""})
    response = get(made, path="/empty")
    assert (response.status, response.bytes(), response.headers["content-length"]) == (
        200,
        b"",
        "0",
    )


def test_a_large_file_is_sent_in_blocks(site: SiteMaker, environ: Any) -> None:
    data = bytes(range(256)) * 1000
    made = site({"public/large": data})
    body = made.app(environ("GET", "/large"), lambda *_: None)
    blocks = list(body)
    body.close()
    assert [len(block) for block in blocks] == [65536, 65536, 65536, 59392]
    assert b"".join(blocks) == data


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_other_methods_are_for_routes(made: Any, method: str) -> None:
    assert get(made, method, content_type="application/json").status == 404


def test_a_file_answers_before_a_route_and_leaves_it_the_other_methods(site: SiteMaker) -> None:
    made = site(
        {
            "public/both.txt": "file",
            "src/pages/both.txt.py": "from framework import Response\n"
            "def ALL(request): return Response(request.method)\n",
        }
    )
    assert get(made, path="/both.txt").text() == "file"
    assert get(made, "PUT", "/both.txt", content_type="a/b").text() == "PUT"


def test_base_is_before_it(site: SiteMaker) -> None:
    made = site({"public/a.txt": "a"}, config=Config(base="/docs"))
    assert get(made, path="/docs/a.txt").text() == "a"
    assert get(made, path="/a.txt").status == 404


def test_it_is_found_below_a_mount_point(site: SiteMaker) -> None:
    made = site({"public/a.txt": "a"})
    assert made.get("/a.txt", environ={"SCRIPT_NAME": "/app"}).text() == "a"
    moved = made.get("//a.txt", environ={"SCRIPT_NAME": "/app"})
    assert (moved.status, moved.headers["location"]) == (301, "/app/a.txt")


def test_names_beyond_ascii_are_found(site: SiteMaker) -> None:
    made = site({"public/\u4f60\u597d/caf\u00e9 \u00fc.txt": "odd"})
    assert get(made, path="/%E4%BD%A0%E5%A5%BD/caf%C3%A9%20%C3%BC.txt").text() == "odd"
    assert get(made, path="/%E4%BD%A0%E5%A5%BD/cafe%CC%81%20u%CC%88.txt").text() == "odd"


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
def test_paths_that_lead_out_are_bad(made: Any, path: str) -> None:
    assert get(made, path=path).status == 400


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
def test_what_is_no_file_is_none(made: Any, path: str) -> None:
    assert b"0123" not in get(made, path=path).bytes()
    assert get(made, path=path).status == (200 if path == "/" else 404)


def test_repeated_slashes_lead_to_this_host(made: Any) -> None:
    response = get(made, path="//ten.txt")
    assert (response.status, response.headers["location"]) == (301, "/ten.txt")


def test_a_file_deleted_after_the_start_is_not_found(made: Any) -> None:
    made.app  # noqa: B018 - it is started
    (made.root / "public/ten.txt").unlink()
    assert get(made).status == 404


def test_a_file_that_became_a_folder_is_not_found(made: Any) -> None:
    made.app  # noqa: B018 - it is started
    (made.root / "public/ten.txt").unlink()
    (made.root / "public/ten.txt").mkdir()
    assert get(made).status == 404


def test_what_became_no_regular_file_is_not_found() -> None:
    with pytest.raises(NotFound):
        StaticFile("/dev/null", PLAIN).respond({"REQUEST_METHOD": "GET"})


def test_a_disk_that_fails_is_not_found_and_the_file_closed(
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


def test_a_file_that_grows_is_sent_as_long_as_was_said(made: Any, environ: Any) -> None:
    sent: list[Any] = []
    body = validator(made.app)(environ("GET", "/ten.txt"), lambda *head: sent.extend(head))
    with (made.root / "public/ten.txt").open("ab") as file:
        file.write(b"more")
    assert b"".join(body) == TEN
    body.close()
    assert dict(sent[1])["content-length"] == "10"


# ------------------------------------------------------------------ conditions (RFC 9110, 13)


def test_none_match(made: Any) -> None:
    etag = get(made).headers["etag"]
    for value in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        response = get(made, if_none_match=value)
        assert response.status == 304
        assert response.headers["etag"] == etag
        assert "content-length" not in response.headers
    assert get(made, if_none_match='"other"').status == 200
    assert get(made, "HEAD", if_none_match=etag).status == 304


def test_modified_since(made: Any) -> None:
    assert get(made, if_modified_since=LAST_MODIFIED).status == 304
    assert get(made, if_modified_since="Tue, 14 Nov 2023 22:13:19 GMT").status == 200
    assert get(made, if_modified_since="not a date").status == 200
    assert get(made, if_modified_since=LAST_MODIFIED, if_none_match='"other"').status == 200


def test_match(made: Any) -> None:
    etag = get(made).headers["etag"]
    assert get(made, if_match=etag).status == 200
    assert get(made, if_match="*").status == 200
    for value in ('"other"', f"W/{etag}"):
        response = get(made, if_match=value)
        assert (response.status, response.bytes()) == (412, b"")
        assert response.headers["cache-control"] == "public, max-age=0"


def test_unmodified_since(made: Any) -> None:
    assert get(made, if_unmodified_since=LAST_MODIFIED).status == 200
    assert get(made, if_unmodified_since="Tue, 14 Nov 2023 22:13:19 GMT").status == 412
    assert get(made, if_unmodified_since="not a date").status == 200
    etag = get(made).headers["etag"]
    early = "Tue, 14 Nov 2023 22:13:19 GMT"
    assert get(made, if_match=etag, if_unmodified_since=early).status == 200


def test_a_file_that_changed_has_another_etag(made: Any) -> None:
    etag = get(made).headers["etag"]
    os.utime(made.root / "public/ten.txt", (MTIME, MTIME + 1))
    assert get(made, if_none_match=etag).status == 200


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
def test_a_range_is_sent(made: Any, wanted: str, content_range: str, body: bytes) -> None:
    response = get(made, range=wanted)
    assert (response.status, response.bytes()) == (206, body)
    assert response.headers["content-range"] == content_range
    assert response.headers["content-length"] == str(len(body))
    assert response.headers["content-type"] == "text/plain;charset=UTF-8"


@pytest.mark.parametrize("wanted", ["bytes=10-", "bytes=10-20", "bytes=999-", "bytes=-0"])
def test_a_range_out_of_reach_is_416(made: Any, wanted: str) -> None:
    response = get(made, range=wanted)
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
def test_what_is_not_one_range_gives_the_whole_file(made: Any, wanted: str) -> None:
    response = get(made, range=wanted)
    assert (response.status, response.bytes()) == (200, TEN)


def test_an_empty_file_has_no_ranges(site: SiteMaker) -> None:
    made = site({"public/empty": b""})
    assert get(made, path="/empty", range="bytes=0-").status == 416
    assert get(made, path="/empty", range="bytes=-1").status == 416


def test_head_has_no_ranges(made: Any) -> None:
    response = get(made, "HEAD", range="bytes=0-3")
    assert (response.status, response.headers["content-length"]) == (200, "10")


def test_if_range_asks_for_the_range_of_this_very_file(made: Any) -> None:
    etag = get(made).headers["etag"]
    part = {"range": "bytes=0-3"}
    assert get(made, if_range=etag, **part).status == 206
    assert get(made, if_range=LAST_MODIFIED, **part).status == 206
    assert get(made, if_range='"other"', **part).status == 200
    assert get(made, if_range=f"W/{etag}", **part).status == 200
    assert get(made, if_range="Tue, 14 Nov 2023 22:13:21 GMT", **part).status == 200
    assert get(made, if_range="not a date", **part).status == 200


def test_conditions_come_before_ranges(made: Any) -> None:
    etag = get(made).headers["etag"]
    assert get(made, if_none_match=etag, range="bytes=0-3").status == 304
    assert get(made, if_match='"other"', range="bytes=0-3").status == 412


@given(st.integers(0, 20), st.integers(0, 20), st.integers(0, 12))
def test_a_range_is_what_slicing_gives(
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
def test_no_header_breaks_the_answer(
    tmp_path_factory: pytest.TempPathFactory, headers: dict[str, str]
) -> None:
    path = tmp_path_factory.getbasetemp() / "hostile"
    path.write_bytes(TEN)
    path.with_name("hostile.gz").write_bytes(TEN[:5])
    environ = {"REQUEST_METHOD": "GET"} | {f"HTTP_{name}": v for name, v in headers.items()}
    file = StaticFile(str(path), PLAIN, '"1"', range(1 << 62), ("gzip", "br"), str(path))
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
def test_what_has_variants_varies_by_the_encoding(own: str | None, vary: str) -> None:
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
def test_the_client_says_the_encoding(accepted: str, encoding: str | None) -> None:
    assert choose_encoding(accepted, ("br", "gzip")) == encoding


def test_an_asterisk_says_how_the_file_itself_is_liked() -> None:
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
def test_the_encoding_is_the_best_of_all_that_could_be_sent(
    said: list[tuple[str, str]], order: list[str], count: int, comma: str
) -> None:
    available = tuple(order[:count])

    def liking(coding: str) -> float:
        names = {coding, f"x-{coding}"} if coding == "gzip" else {coding}
        own = [QUALITIES[q] for name, q in said if name.lower() in names]
        others = [QUALITIES[q] for name, q in said if name == "*"]
        if own or others:
            return max(own or others)
        return 0.0001 if coding == "identity" else 0.0

    ranking = sorted([*available, "identity"], key=lambda coding: -liking(coding))
    best = ranking[0] if liking(ranking[0]) > 0 else "identity"
    chosen = choose_encoding(comma.join(name + q for name, q in said), available)
    assert chosen == (None if best == "identity" else best)


@given(st.text(st.characters(max_codepoint=255)))
def test_any_text_says_some_encoding_or_none(accepted: str) -> None:
    assert choose_encoding(accepted, ("zstd", "gzip")) in ("zstd", "gzip", None)
