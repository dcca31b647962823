import dataclasses

import pytest
from werkzeug.routing import BaseConverter

from framework.config import Build, Config, ConfigError, Security, Server, Sessions


class Slug(BaseConverter):
    regex = "[a-z-]+"


class Several(BaseConverter):
    regex = "[^/]+(?:/[^/]+)*"


class Adapter:
    def serve(self, make_application, *, host, port):
        raise NotImplementedError


def wrong(make, **options):
    with pytest.raises(ConfigError) as caught:
        make(**options)
    assert isinstance(caught.value, ValueError)
    return str(caught.value)


def test_the_defaults():
    config = Config()
    assert dataclasses.asdict(config) == {
        "site": None,
        "base": "/",
        "output": "server",
        "trailing_slash": "ignore",
        "redirects": {},
        "converters": {},
        "adapter": None,
        "build": {"format": "directory", "out_dir": "dist", "compress": None, "secrets": ()},
        "security": {
            "check_origin": True,
            "trusted_origins": (),
            "allowed_hosts": (),
            "trusted_proxies": 0,
            "max_body_size": 10 * 1024 * 1024,
        },
        "server": {"host": "127.0.0.1", "port": 4321},
        "session": None,
        "etag": False,
    }


def test_everything_that_can_be_said():
    adapter = Adapter()
    redirects = {
        "/old": "/new",
        "/shop": "https://shop.example.com/x?y#z",
        "/[a]/[...b]": {"status": 308, "destination": "/x/[...b]?from=old"},
        "/[n=int]": {"destination": "/[n]"},
    }
    config = Config(
        site="https://example.com/sub",
        base="/docs/",
        output="static",
        trailing_slash="always",
        redirects=redirects,
        converters={"slug": Slug, "my_2": Slug},
        adapter=adapter,
        build=Build(format="file", out_dir="out/site"),
        security=Security(
            check_origin=False,
            trusted_origins=["https://pay.example.com", "http://localhost:8000"],
            allowed_hosts=("Example.com", "*.example.com", "[::1]", "10.0.0.1"),
            trusted_proxies=2,
            max_body_size=0,
        ),
        server=Server(host="::1", port=0),
        etag=True,
    )
    assert config.etag
    assert config.base == "/docs"
    assert config.redirects is redirects
    assert config.adapter is adapter
    assert config.security.trusted_origins == ("https://pay.example.com", "http://localhost:8000")
    assert config.security.allowed_hosts == ("example.com", "*.example.com", "[::1]", "10.0.0.1")
    assert config.server.port == 0


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_the_statuses_of_a_redirect(status):
    target = {"status": status, "destination": "/b"}
    assert Config(redirects={"/a": target}).redirects == {"/a": target}


@pytest.mark.parametrize("format", ["directory", "file", "preserve"])
@pytest.mark.parametrize("trailing_slash", ["always", "never", "ignore"])
def test_the_words_that_are_allowed(format, trailing_slash):
    config = Config(build=Build(format=format), trailing_slash=trailing_slash)
    assert (config.build.format, config.trailing_slash) == (format, trailing_slash)


@pytest.mark.parametrize(
    ("given", "base"),
    [
        ("/", "/"),
        ("/a", "/a"),
        ("/a/", "/a"),
        ("/a/b", "/a/b"),
        ("/v1.0", "/v1.0"),
        ("/cafe\u0301", "/café"),
    ],
)
def test_base_has_no_slash_at_its_end(given, base):
    assert Config(base=given).base == base


@pytest.mark.parametrize("part", [Config, Build, Security, Server, Sessions])
def test_a_configuration_is_frozen_and_takes_keywords_only(part):
    made = part()
    for field in dataclasses.fields(made):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(made, field.name, None)
    with pytest.raises(TypeError):
        part("x")
    assert made == part()


def test_an_unknown_key_names_the_nearest():
    assert wrong(Config, trailing_slashes="always") == (
        "Config(trailing_slashes='always'): there is no such key. Did you mean trailing_slash? "
        "Config takes site, base, output, trailing_slash, redirects, converters, adapter, build, "
        "security, server, session, etag."
    )
    assert wrong(Build, zzz=1) == (
        "Build(zzz=1): there is no such key. Build takes format, out_dir, compress, secrets."
    )


def test_every_unknown_key_is_named():
    assert wrong(Server, ports=1, hosts="x") == (
        "Server(hosts='x'): there is no such key. Did you mean host? Server takes host, port.\n"
        "Server(ports=1): there is no such key. Did you mean port? Server takes host, port."
    )


def test_every_wrong_value_is_named():
    assert wrong(Config, output="both", trailing_slash=True) == (
        'Config(output=\'both\'): it is "server" or "static".\n'
        'Config(trailing_slash=True): it is "ignore", "always" or "never".'
    )


CONVERTERS = (
    "it maps names (letters, digits and _) to classes derived from werkzeug.routing.BaseConverter; "
    "one whose regex names a slash says part_isolating = True, and never matches one."
)


@pytest.mark.parametrize(
    ("make", "key", "values", "allowed"),
    [
        (
            Config,
            "site",
            ["example.com", "", 1, "/x", "ftp://example.com", "javascript:1", "https://"],
            'it is a whole URL such as "https://example.com".',
        ),
        (
            Config,
            "base",
            ["", "docs", None, "/a//b", "/a?x", "/a#x", "/a%20", "/a b", "/[a]", "/a\\b"],
            'it is a path such as "/docs", "/" for none.',
        ),
        (
            Config,
            "base",
            ["/../a", "/a/.", "/a\0", "/\ufffd", "//", "//evil.example"],
            'it is a path such as "/docs", "/" for none.',
        ),
        (Config, "output", ["both", None, [], True], 'it is "server" or "static".'),
        (
            Config,
            "trailing_slash",
            ["yes", True, None, {}],
            'it is "ignore", "always" or "never".',
        ),
        (
            Config,
            "redirects",
            [None, [("/a", "/b")], {1: "/a"}, "/a"],
            'it is a mapping: {"/old": "/new"}.',
        ),
        (Config, "converters", [None, [Slug], {1: Slug}, {"a": Slug("map")}], CONVERTERS),
        (
            Config,
            "converters",
            [{"a": str}, {"a-b": Slug}, {"": Slug}, {"é": Slug}, {"a": Several}],
            CONVERTERS,
        ),
        (
            Config,
            "adapter",
            ["gunicorn", object(), 1],
            "it is an adapter such as framework.adapters.gunicorn(workers=2).",
        ),
        (Config, "build", [None, {"format": "file"}], "write Build(...)."),
        (Config, "security", [None, False], "write Security(...)."),
        (Config, "server", [8000, "localhost"], "write Server(...)."),
        (Config, "etag", [None, 1, "weak"], "it is True or False."),
        (Config, "session", [True, {}], "write Sessions(...), or leave it out."),
        (
            Sessions,
            "store",
            ["", None, object(), {}],
            "it is a folder's name, or a cache such as cachelib.RedisCache(...).",
        ),
        (
            Sessions,
            "max_age",
            [0, -1, 1.5, None, True, 34560001],
            "it is a number of seconds, 1 to 34560000: browsers keep no cookie longer.",
        ),
        (Build, "format", ["dir", None, []], 'it is "directory", "file" or "preserve".'),
        (Build, "out_dir", ["", None, 1], "it is a folder's name."),
        (Security, "check_origin", [1, None, "yes"], "it is True or False."),
        (
            Security,
            "trusted_origins",
            [
                *("https://a.example", None, ("https://a.example/",), ("a.example",), (1,), ("",)),
                *(("https://a.example:443",), ("https://A.example",), {"https://a.example"}),
            ],
            'it holds origins such as "https://pay.example.com", without a slash at the end.',
        ),
        (
            Security,
            "allowed_hosts",
            [
                *("example.com", None, ("",), (1,), ("https://example.com",), ("a b",)),
                *(("a.*.example",), ("**.example",), ("*",), ("*.",), ("*a.example",), ("::1",)),
                *(("example.com:8000",), ("[::1]:80",), ["a.example", "b.example/"]),
            ],
            'it holds host names such as "example.com" and "*.example.com", without a port.',
        ),
        (
            Security,
            "trusted_proxies",
            [-1, 1.0, True, "1", None],
            "it is a number of proxies, 0 or more.",
        ),
        (Security, "max_body_size", [-1, 1e6, None, "10M"], "it is a number of bytes, 0 or more."),
        (Server, "host", ["", None, 1], "it is an address or a name."),
        (Server, "port", [-1, 65536, "80", True, None], "it is a number from 0 to 65535."),
    ],
)
def test_a_wrong_value_is_told_with_what_is_allowed(make, key, values, allowed):
    for value in values:
        assert wrong(make, **{key: value}) == f"{make.__name__}({key}={value!r}): {allowed}"


@pytest.mark.parametrize(
    ("source", "target", "text"),
    [
        (
            "old",
            "/new",
            "Config(redirects={'old': '/new'}): 'old' does not begin with a slash. Write '/old'.",
        ),
        (
            "/[a",
            "/new",
            "Config(redirects={'/[a': '/new'}): \"[\" is never closed in \"[a\". Write [a].",
        ),
        (
            "/a",
            "",
            "Config(redirects={'/a': ''}): "
            'a target is a path or a URL, as in "/new" or "https://...".',
        ),
        (
            "/a",
            None,
            "Config(redirects={'/a': None}): "
            'a target is a path or a URL, as in "/new" or "https://...".',
        ),
        (
            "/a",
            {"status": 301},
            "Config(redirects={'/a': {'status': 301}}): "
            'a target is a path or a URL, as in "/new" or "https://...".',
        ),
        (
            "/a",
            {"status": 200, "destination": "/b"},
            "Config(redirects={'/a': {'status': 200, 'destination': '/b'}}): "
            "status 200 is no redirect. Take one of 301, 302, 303, 307, 308.",
        ),
        (
            "/a",
            {"destination": "/b", "code": 301, 1: 2},
            "Config(redirects={'/a': {'destination': '/b', 'code': 301, 1: 2}}): "
            "'code' is none of status, destination.",
        ),
        (
            "/a",
            "new",
            "Config(redirects={'/a': 'new'}): "
            'a target is a path that begins with "/" or an http(s) URL.',
        ),
        (
            "/a",
            "javascript:alert(1)",
            "Config(redirects={'/a': 'javascript:alert(1)'}): "
            'a target is a path that begins with "/" or an http(s) URL.',
        ),
        (
            "/a",
            "//evil.example",
            "Config(redirects={'/a': '//evil.example'}): "
            "browsers read this target as another host. Write https://...",
        ),
        (
            "/a",
            "/\\evil.example",
            r"Config(redirects={'/a': '/\\evil.example'}): "
            r"'\\evil.example' contains '\\', which no path can have. Remove it.",
        ),
        (
            "/a",
            "/[b",
            "Config(redirects={'/a': '/[b'}): \"[\" is never closed in \"[b\". Write [b].",
        ),
        (
            "/[a]",
            "/[b]/[c]/[a]",
            "Config(redirects={'/[a]': '/[b]/[c]/[a]'}): the target names [b], the source doesn't.",
        ),
    ],
)
def test_what_is_wrong_with_a_redirect(source, target, text):
    assert wrong(Config, redirects={source: target}) == text


def test_every_wrong_redirect_is_named():
    assert wrong(
        Config,
        redirects={"/a": {"status": 1, "destination": "x", "to": 1}, "/ok": "/", "b": "/"},
    ) == (
        "Config(redirects={'/a': {'status': 1, 'destination': 'x', 'to': 1}}): "
        "'to' is none of status, destination.\n"
        "Config(redirects={'/a': {'status': 1, 'destination': 'x', 'to': 1}}): "
        "status 1 is no redirect. Take one of 301, 302, 303, 307, 308.\n"
        "Config(redirects={'/a': {'status': 1, 'destination': 'x', 'to': 1}}): "
        'a target is a path that begins with "/" or an http(s) URL.\n'
        "Config(redirects={'b': '/'}): 'b' does not begin with a slash. Write '/b'."
    )


@pytest.mark.parametrize(
    ("host", "url_host"),
    [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]"), ("localhost", "localhost")],
)
def test_a_url_writes_an_ipv6_address_in_brackets(host, url_host):
    assert Server(host=host).url_host == url_host


def test_the_signature_still_names_the_keys():
    with pytest.raises(TypeError, match="positional"):
        Server("localhost", 80)
    assert dataclasses.replace(Server(), port=80) == Server(port=80)
