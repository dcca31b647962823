import dataclasses

import pytest
from werkzeug.routing import BaseConverter

from framework import Build, Config, ConfigError, Security, Server, Sessions
from framework.routing.pattern import PatternError, parse_pattern


class Slug(BaseConverter):
    regex = "[a-z-]+"


class Several(BaseConverter):
    regex = "[^/]+(?:/[^/]+)*"


class Adapter:
    def serve(self, make_application, *, host, port):
        raise NotImplementedError


def pattern_error(text):
    with pytest.raises(PatternError) as caught:
        parse_pattern(text)
    return str(caught.value)


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
            "max_text_size": 2_621_440,
        },
        "server": {"host": "127.0.0.1", "port": 4321},
        "markdown": None,
        "session": None,
        "etag": False,
    }


def test_every_option_can_be_set():
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
            max_text_size=0,
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
def test_every_redirect_status_is_allowed(status):
    target = {"status": status, "destination": "/b"}
    assert Config(redirects={"/a": target}).redirects == {"/a": target}


@pytest.mark.parametrize("format", ["directory", "file", "preserve"])
@pytest.mark.parametrize("trailing_slash", ["always", "never", "ignore"])
def test_every_choice_is_allowed(format, trailing_slash):
    config = Config(build=Build(format=format), trailing_slash=trailing_slash)
    assert (config.build.format, config.trailing_slash) == (format, trailing_slash)


@pytest.mark.parametrize(
    ("given", "base", "prefix"),
    [
        ("/", "/", ""),
        ("/a", "/a", "/a"),
        ("/a/", "/a", "/a"),
        ("/a/b", "/a/b", "/a/b"),
        ("/v1.0", "/v1.0", "/v1.0"),
        ("/cafe\u0301", "/café", "/café"),
    ],
)
def test_base_and_prefix_have_no_slash_at_the_end(given, base, prefix):
    assert (Config(base=given).base, Config(base=given).prefix) == (base, prefix)


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
        "Config(trailing_slashes='always'): unknown option. Did you mean trailing_slash? Config has "
        "the options site, base, output, trailing_slash, redirects, converters, adapter, build, "
        "security, server, markdown, session, etag."
    )
    assert wrong(Build, zzz=1) == (
        "Build(zzz=1): unknown option. Build has the options format, out_dir, compress, secrets."
    )


def test_every_unknown_key_and_wrong_value_is_named():
    assert wrong(Server, ports=1, host="", hosts="x") == (
        "Server(ports=1): unknown option. Did you mean port? Server has the options host, port.\n"
        "Server(host=''): host must be an address or a host name.\n"
        "Server(hosts='x'): unknown option. Did you mean host? Server has the options host, port."
    )
    assert wrong(Config, output="both", trailing_slash=True) == (
        'Config(output=\'both\'): output must be "server" or "static".\n'
        'Config(trailing_slash=True): trailing_slash must be "ignore", "always" or "never".'
    )


CONVERTERS = (
    "a mapping from names (letters, digits and _) to subclasses of werkzeug.routing.BaseConverter. "
    "A converter whose regex contains a slash must set part_isolating = True; it never matches "
    "a slash"
)


@pytest.mark.parametrize(
    ("make", "key", "values", "allowed"),
    [
        (
            Config,
            "site",
            ["example.com", "", 1, "/x", "ftp://example.com", "javascript:1", "https://"],
            'a URL such as "https://example.com"',
        ),
        (
            Config,
            "base",
            ["", "docs", None, "/a//b", "/a?x", "/a#x", "/a%20", "/a b", "/[a]", "/a\\b"],
            'a path such as "/docs", or "/"',
        ),
        (
            Config,
            "base",
            ["/../a", "/a/.", "/a\0", "/\ufffd", "//", "//evil.example"],
            'a path such as "/docs", or "/"',
        ),
        (Config, "output", ["both", None, [], True], '"server" or "static"'),
        (
            Config,
            "trailing_slash",
            ["yes", True, None, {}],
            '"ignore", "always" or "never"',
        ),
        (
            Config,
            "redirects",
            [None, [("/a", "/b")], {1: "/a"}, "/a"],
            'a mapping such as {"/old": "/new"}',
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
            "an adapter such as framework.adapters.gunicorn(workers=2)",
        ),
        (Config, "build", [None, {"format": "file"}], "Build(...)"),
        (Config, "security", [None, False], "Security(...)"),
        (Config, "server", [8000, "localhost"], "Server(...)"),
        (Config, "etag", [None, 1, "weak"], "True or False"),
        (Config, "session", [True, {}], "Sessions(...) or None"),
        (
            Sessions,
            "store",
            ["", None, object(), {}],
            "the name of a folder, or a cache such as cachelib.RedisCache(...)",
        ),
        (
            Sessions,
            "max_age",
            [0, -1, 1.5, None, True, 34560001],
            "a number of seconds from 1 to 34560000 (400 days, the limit of browsers)",
        ),
        (Build, "format", ["dir", None, []], '"directory", "file" or "preserve"'),
        (Build, "out_dir", ["", None, 1], "the name of a folder"),
        (Build, "compress", [0, "yes"], "True, False or None"),
        (
            Build,
            "secrets",
            [None, "KEY", ("",), (1,)],
            'names of environment variables, as in ("API_KEY",)',
        ),
        (Security, "check_origin", [1, None, "yes"], "True or False"),
        (
            Security,
            "trusted_origins",
            [
                *("https://a.example", None, ("https://a.example/",), ("a.example",), (1,), ("",)),
                *(("https://a.example:443",), ("https://A.example",), {"https://a.example"}),
            ],
            'a list of origins such as "https://pay.example.com", without a slash at the end',
        ),
        (
            Security,
            "allowed_hosts",
            [
                *("example.com", None, ("",), (1,), ("https://example.com",), ("a b",)),
                *(("a.*.example",), ("**.example",), ("*",), ("*.",), ("*a.example",), ("::1",)),
                *(("example.com:8000",), ("[::1]:80",), ["a.example", "b.example/"]),
            ],
            'a list of host names such as "example.com" and "*.example.com", without a port',
        ),
        (
            Security,
            "trusted_proxies",
            [-1, 1.0, True, "1", None],
            "a number of proxies, 0 or more, or Proxies(x_for=2, x_proto=1, x_host=1)",
        ),
        (Security, "max_body_size", [-1, 1e6, None, "10M"], "a number of bytes, 0 or more"),
        (Security, "max_text_size", [-1, 2.5, True, "2M"], "a number of bytes, 0 or more"),
        (Server, "host", ["", None, 1], "an address or a host name"),
        (Server, "port", [-1, 65536, "80", True, None], "a port number (0-65535)"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(make, key, values, allowed):
    for value in values:
        argument = f"{make.__name__}({key}={value!r})"
        assert wrong(make, **{key: value}) == f"{argument}: {key} must be {allowed}."


DESTINATION = 'the destination must be a path that begins with "/" or a URL of a safe scheme.'


@pytest.mark.parametrize(
    ("source", "target", "text"),
    [
        ("old", "/new", pattern_error("old")),
        ("/[a", "/new", pattern_error("/[a")),
        ("/a", "/[b", pattern_error("/[b")),
        ("/a", "/\\evil.example", pattern_error("/\\evil.example")),
        ("/a", "", DESTINATION),
        ("/a", None, DESTINATION),
        ("/a", {"status": 301}, DESTINATION),
        ("/a", "new", DESTINATION),
        ("/a", "?x", DESTINATION),
        ("/a", "javascript:alert(1)", DESTINATION),
        ("/a", " javascript:alert(1)", DESTINATION),
        ("/a", "DATA:text/html,x", DESTINATION),
        ("/a", "file:///etc/passwd", DESTINATION),
        ("/a", "https:/e.example", DESTINATION),
        ("/[a]", "myapp://[a]/x", DESTINATION),
        ("/[a]", "mailto:[b]@e.example", "the destination uses [b], which /[a] does not have."),
        (
            "/a",
            {"status": 200, "destination": "/b"},
            "200 is not a redirect status. Use one of 301, 302, 303, 307, 308.",
        ),
        (
            "/a",
            {"destination": "/b", "code": 301, 1: 2},
            "unknown key 'code'. A redirect has the keys status and destination.",
        ),
        (
            "/a",
            "//evil.example",
            "browsers take a destination that begins with // for another host. Write https://...",
        ),
        ("/[a]", "/x?y=[b]", "the destination uses [b], which /[a] does not have."),
        ("/[a]", "/x#[b]", "the destination uses [b], which /[a] does not have."),
        ("/[a]", "https://e.example/[b]", "the destination uses [b], which /[a] does not have."),
        ("/[a]", "https://[a].example/", DESTINATION),
        (
            "/[a]",
            "/[b]/[c]/[a]",
            "the destination uses [b], which /[a] does not have.",
        ),
    ],
)
def test_a_wrong_redirect_is_named(source, target, text):
    entry = f"Config(redirects={{{source!r}: {target!r}}})"
    assert wrong(Config, redirects={source: target}) == f"{entry}: {text}"


def test_every_wrong_redirect_is_named():
    assert wrong(
        Config,
        redirects={"/a": {"status": 1, "destination": "x", "to": 1}, "/ok": "/", "b": "/"},
        output="both",
    ) == (
        "Config(redirects={'/a': {'status': 1, 'destination': 'x', 'to': 1}}): "
        "unknown key 'to'. A redirect has the keys status and destination.\n"
        "Config(redirects={'/a': {'status': 1, 'destination': 'x', 'to': 1}}): "
        "1 is not a redirect status. Use one of 301, 302, 303, 307, 308.\n"
        f"Config(redirects={{'/a': {{'status': 1, 'destination': 'x', 'to': 1}}}}): {DESTINATION}\n"
        f"Config(redirects={{'b': '/'}}): {pattern_error('b')}\n"
        'Config(output=\'both\'): output must be "server" or "static".'
    )


def test_an_option_class_can_be_copied_with_changes():
    with pytest.raises(TypeError, match="positional"):
        Server("localhost", 80)
    assert dataclasses.replace(Server(), port=80) == Server(port=80)
    with pytest.raises(ConfigError, match="port must be a port number"):
        dataclasses.replace(Server(), port=-1)
