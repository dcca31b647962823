"""The checks of `Host`, of trusted proxies and of `Origin`."""

import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.exceptions import BadRequest, Forbidden

from framework import URL, APIContext, Config, Proxies, Request, Security
from framework.security import HostCheck, OriginCheck, make_proxy_fix
from tests.conftest import SiteMaker

ECHO = (
    "from framework import Response\n"
    "def ALL(request, url, client_address, url_for):\n"
    "    return Response.json([url.href, client_address, url_for('/echo')])\n"
)
FORM = "application/x-www-form-urlencoded"


def echo(site: SiteMaker, **security: Any) -> Any:
    return site({"src/pages/echo.py": ECHO}, config=Config(security=Security(**security)))


# ------------------------------------------------------------------ host

GOOD_HOSTS = [
    "localhost",
    "a.example:8080",
    "127.0.0.1",
    "[::1]",
    "[::1]:80",
    "localhost:",
    "a_b.example",
    "EXAMPLE",
]
BAD_HOSTS = [
    "",
    "foo?",
    "h/abc?bar=",
    "a:443:443",
    "[::1",
    "user@h",
    "h#f",
    "a b",
    "h\\x",
    "h:99999",
    "h:-1",
    "1.2.3.999",
    "h,h",
    "h%00",
    "h\xff",
    "h\n",
]


@pytest.mark.parametrize("host", GOOD_HOSTS)
def test_a_host_is_taken_as_it_comes(host: str) -> None:
    HostCheck(())({"HTTP_HOST": host})


@pytest.mark.parametrize("host", BAD_HOSTS)
def test_a_malformed_host_is_refused(site: SiteMaker, host: str) -> None:
    response = echo(site).get("/echo", headers={"host": host})
    assert response.status == 400
    assert response.text() == "400 Bad Request\nThe Host header is malformed.\n"


def test_http_1_1_needs_a_host() -> None:
    with pytest.raises(BadRequest, match=r"The request has no Host header\."):
        HostCheck(())({"SERVER_PROTOCOL": "HTTP/1.1"})
    HostCheck(())({"SERVER_PROTOCOL": "HTTP/1.0"})


def test_allowed_hosts_limit_the_hosts_of_a_site(caplog: Any) -> None:
    check = HostCheck(("example.com", "*.example.org"))
    for host in ("example.com", "EXAMPLE.com:8000", "a.example.org", "a.b.example.org:80"):
        check({"HTTP_HOST": host})
    for host in ("www.example.com", "example.org", "notexample.org", "evil", "example.com.evil"):
        with pytest.raises(BadRequest, match=r"This host is not allowed\."):
            check({"HTTP_HOST": host})
    assert caplog.messages[0] == (
        "refused a request for the host 'www.example.com', which is not in "
        "Security(allowed_hosts=...)"
    )


def test_hosts_are_checked_however_many_were_accepted(site: SiteMaker) -> None:
    app = site({"src/pages/echo.py": ECHO}).app
    for number in range(600):
        assert app.fetch(f"http://h{number}.example/echo").status == 200
    for host in ("h0.example", "h599.example", "new.example"):
        assert app.fetch(f"http://{host}/echo").json()[0] == f"http://{host}/echo"
    request = Request("http://h599.example/echo", headers={"host": "h599.example@evil"})
    assert app.fetch(request).status == 400


def test_allowed_hosts_without_wildcards() -> None:
    with pytest.raises(BadRequest):
        HostCheck(("example.com",))({"HTTP_HOST": "a.example.com"})


@given(st.text(st.characters(max_codepoint=255)))
def test_a_host_that_passes_is_the_host_of_the_url(host: str) -> None:
    try:
        HostCheck(())({"HTTP_HOST": host})
    except BadRequest:
        return
    url = URL(f"http://{host}/path?query")
    assert (url.pathname, url.search, url.hash, url.username) == ("/path", "?query", "", "")


# ------------------------------------------------------------------ proxies

FORWARDED = {
    "X-Forwarded-For": "6.6.6.6, 1.2.3.4",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "shop.example",
    "X-Forwarded-Prefix": "/shop",
    "Forwarded": "for=9.9.9.9;host=evil",
}


def test_forwarded_headers_are_ignored_unless_proxies_are_trusted(site: SiteMaker) -> None:
    response = echo(site).get("/echo", headers=FORWARDED)
    assert response.json() == ["http://localhost/echo", "127.0.0.1", "/echo"]


def test_the_last_hops_of_trusted_proxies_count(site: SiteMaker) -> None:
    response = echo(site, trusted_proxies=1).get("/echo", headers=FORWARDED)
    assert response.json() == ["https://shop.example/echo", "1.2.3.4", "/echo"]
    two = echo(site, trusted_proxies=2).get("/echo", headers=FORWARDED)
    assert two.json() == ["http://localhost/echo", "6.6.6.6", "/echo"]


def test_headers_may_pass_different_numbers_of_proxies(site: SiteMaker) -> None:
    proxies = Proxies(x_for=2, x_proto=1, x_host=0)
    response = echo(site, trusted_proxies=proxies).get("/echo", headers=FORWARDED)
    assert response.json() == ["https://localhost/echo", "6.6.6.6", "/echo"]


def test_a_header_with_too_few_values_is_ignored_and_logged_once(
    site: SiteMaker, caplog: pytest.LogCaptureFixture
) -> None:
    two = echo(site, trusted_proxies=2)
    for _ in range(3):
        assert two.get("/echo", headers={"X-Forwarded-Proto": "https"}).json()[0][:5] == "http:"
    assert two.get("/echo").status == 200
    assert caplog.messages == [
        "X-Forwarded-Proto has 1 of 2 values, so it is ignored. If that is right for this header, "
        "set Security(trusted_proxies=Proxies(x_proto=1, ...))."
    ]


@pytest.mark.parametrize("name", ["X-Forwarded-Prefix", "X-Forwarded-Port"])
def test_what_proxies_hardly_ever_set_is_the_clients_own_and_ignored(
    site: SiteMaker, name: str
) -> None:
    response = echo(site, trusted_proxies=1).get("/echo", headers={name: "/8"})
    assert response.json() == ["http://localhost/echo", "127.0.0.1", "/echo"]


def test_a_host_of_a_trusted_proxy_is_checked(site: SiteMaker) -> None:
    headers = {"X-Forwarded-Host": "evil/path"}
    assert echo(site, trusted_proxies=1).get("/echo", headers=headers).status == 400


@pytest.mark.parametrize("scheme", ["javascript", "x:admin?", "HTTPS", "wss", ""])
def test_a_forwarded_scheme_is_http_or_https(site: SiteMaker, scheme: str) -> None:
    response = echo(site, trusted_proxies=1).get("/echo", headers={"X-Forwarded-Proto": scheme})
    assert response.json()[0] == "http://localhost/echo"


def test_what_a_proxy_says_is_written_into_the_environ() -> None:
    environ = {"wsgi.url_scheme": "http", "HTTP_X_FORWARDED_PROTO": "https", "REMOTE_ADDR": "::1"}
    make_proxy_fix(1)(environ)
    assert environ["wsgi.url_scheme"] == "https"
    assert environ["werkzeug.proxy_fix.orig"]["wsgi.url_scheme"] == "http"  # type: ignore[index]


# ------------------------------------------------------------------ origin

ORIGIN = "http://localhost"


def refused(check: OriginCheck | None = None, **environ: str) -> bool:
    whole = {"REQUEST_METHOD": "POST", "CONTENT_TYPE": FORM, "PATH_INFO": "/x"} | environ
    whole |= {"wsgi.url_scheme": "http", "HTTP_HOST": "localhost"}
    services: Any = None  # the check needs none
    try:
        (check or OriginCheck(Security()))(APIContext(services, whole))
    except Forbidden:
        return True
    return False


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_reading_is_free(method: str) -> None:
    assert not refused(REQUEST_METHOD=method, HTTP_ORIGIN="http://evil")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "PURGE", "get"])
def test_every_other_method_is_checked(method: str) -> None:
    assert refused(REQUEST_METHOD=method, HTTP_ORIGIN="http://evil")


@pytest.mark.parametrize(
    "kind",
    [
        "",
        "text/plain",
        FORM,
        "multipart/form-data; boundary=x",
        "TEXT/PLAIN",
        " text/plain ;charset=utf-8",
        "\ttext/plain\t",
    ],
)
def test_every_type_that_a_form_can_send_is_checked(kind: str) -> None:
    assert refused(CONTENT_TYPE=kind, HTTP_ORIGIN="http://evil")


@pytest.mark.parametrize("kind", ["application/json", "text/plain2", "image/png"])
def test_a_content_type_that_forms_cannot_send_passes(kind: str) -> None:
    assert not refused(CONTENT_TYPE=kind, HTTP_ORIGIN="http://evil")


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "https://localhost",
        "http://localhost:8080",
        "http://localhost.evil",
        "http://localhost@evil",
        "http://LOCALHOST",
        "http://localhost/",
        "http://localhost,http://localhost",
        "http://localhost http://evil",
    ],
)
def test_an_origin_is_this_sites_exactly_or_another_ones(origin: str) -> None:
    assert refused(HTTP_ORIGIN=origin)
    assert not refused(HTTP_ORIGIN=ORIGIN)


def test_a_trusted_origin_passes_even_across_sites() -> None:
    check = OriginCheck(Security(trusted_origins=("https://pay.example",)))
    assert not refused(check, HTTP_ORIGIN="https://pay.example", HTTP_SEC_FETCH_SITE="cross-site")
    assert refused(check, HTTP_ORIGIN="https://pay.example.evil")


@pytest.mark.parametrize("site", ["same-origin", "none"])
@pytest.mark.parametrize("origin", [None, "null", "http://evil", "https://localhost"])
def test_sec_fetch_site_decides_before_origin(site: str, origin: str | None) -> None:
    headers = {} if origin is None else {"HTTP_ORIGIN": origin}
    assert not refused(HTTP_SEC_FETCH_SITE=site, HTTP_COOKIE="a=b", **headers)


@pytest.mark.parametrize("site", ["cross-site", "same-site", "odd", "", "Same-Origin"])
def test_any_other_sec_fetch_site_is_refused(site: str) -> None:
    assert refused(HTTP_SEC_FETCH_SITE=site)
    assert refused(HTTP_SEC_FETCH_SITE=site, HTTP_ORIGIN=ORIGIN)


@pytest.mark.parametrize(
    "headers", [{}, {"HTTP_COOKIE": "s=1"}, {"HTTP_AUTHORIZATION": "Bearer t"}]
)
@pytest.mark.parametrize("kind", ["", FORM])
def test_a_request_that_no_browser_sent_passes(headers: dict[str, str], kind: str) -> None:
    assert not refused(CONTENT_TYPE=kind, **headers)


@pytest.mark.parametrize(
    ("environ", "logged"),
    [
        (
            {"HTTP_ORIGIN": "http://evil"},
            "Sec-Fetch-Site is missing, Origin is http://evil, expected http://localhost. "
            "To accept this origin, add it to Security(trusted_origins=...).",
        ),
        (
            {"HTTP_ORIGIN": "http://evil\x1b[2J", "PATH_INFO": "/caf\xc3\xa9\n"},
            "Sec-Fetch-Site is missing, Origin is http://evil\\x1b[2J, expected http://localhost. "
            "To accept such forms, set check_origin = False in the file of the route.",
        ),
        (
            {"HTTP_SEC_FETCH_SITE": "cross-site", "HTTP_ORIGIN": "null"},
            "Sec-Fetch-Site is cross-site, Origin is null, expected http://localhost. "
            "To accept such forms, set check_origin = False in the file of the route.",
        ),
        (
            {"HTTP_SEC_FETCH_SITE": "same-site"},
            "Sec-Fetch-Site is same-site, Origin is missing, expected http://localhost. "
            "To accept such forms, set check_origin = False in the file of the route.",
        ),
        (
            {"HTTP_SEC_FETCH_SITE": "cross-site", "HTTP_ORIGIN": "http://localhost"},
            "Sec-Fetch-Site is cross-site, Origin is http://localhost, expected http://localhost. "
            "To accept this origin, add it to Security(trusted_origins=...).",
        ),
        (
            {"HTTP_ORIGIN": "https://localhost"},
            "Sec-Fetch-Site is missing, Origin is https://localhost, expected http://localhost. "
            "Behind a proxy that sets X-Forwarded-Proto, set Security(trusted_proxies=1).",
        ),
        (
            {"HTTP_ORIGIN": "https://shop.example", "HTTP_X_FORWARDED_PROTO": "https"},
            "Sec-Fetch-Site is missing, Origin is https://shop.example, expected http://localhost. "
            "Behind a proxy that sets X-Forwarded-Proto, set Security(trusted_proxies=1).",
        ),
    ],
)
def test_the_log_says_what_was_expected_and_what_to_do(
    caplog: pytest.LogCaptureFixture, environ: dict[str, str], logged: str
) -> None:
    assert refused(**environ)
    path = r"/caf\xc3\xa9\n" if "PATH_INFO" in environ else "/x"
    assert caplog.record_tuples == [
        ("framework", logging.WARNING, f"refused POST {path}: {logged}")
    ]


def test_behind_trusted_proxies_the_log_names_the_other_setting(
    caplog: pytest.LogCaptureFixture,
) -> None:
    check = OriginCheck(Security(trusted_proxies=1))
    assert refused(check, HTTP_ORIGIN="https://localhost", HTTP_X_FORWARDED_PROTO="https")
    assert caplog.messages[0].endswith("add it to Security(trusted_origins=...).")


def test_the_origin_behind_a_trusted_proxy_is_the_publics(site: SiteMaker) -> None:
    headers = {
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "shop.example",
        "Origin": "https://shop.example",
        "Content-Type": FORM,
    }
    assert echo(site, trusted_proxies=1).post("/echo", headers=headers).status == 200
    refused = echo(site).post("/echo", headers=headers)
    assert refused.status == 403
    assert refused.text() == (
        "403 Forbidden\nAnother site sent this form. Send it from a page of this site.\n"
    )
    assert echo(site, check_origin=False).post("/echo", headers=headers).status == 200


def test_a_route_can_be_exempt(site: SiteMaker) -> None:
    made = site(
        {
            "src/pages/hook.py": "check_origin = False\n" + ECHO,
            "src/pages/echo.py": ECHO,
            "src/pages/form.jinja": "---\ncheck_origin = False\nm = request.method\n---\n{{ m }}",
        }
    )
    headers = {"Origin": "http://evil", "Content-Type": FORM}
    statuses = [made.post(path, headers=headers).status for path in ("/hook", "/form", "/echo")]
    assert statuses == [200, 200, 403]


def test_a_header_does_not_change_the_method(site: SiteMaker) -> None:
    headers = {"X-HTTP-Method-Override": "GET", "Origin": "http://evil", "Content-Type": FORM}
    assert echo(site).post("/echo", headers=headers).status == 403
