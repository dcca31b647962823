import re
import sys
from dataclasses import replace
from unicodedata import normalize
from urllib.parse import unquote

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from werkzeug.exceptions import NotFound
from werkzeug.routing import BaseConverter, Rule, ValidationError

from framework.route import Handlers, Route
from framework.routing import tree
from framework.routing.paths import BadPathError, decode_path
from framework.routing.pattern import Param, PatternError, parse_pattern
from framework.routing.rules import Compiler
from framework.routing.table import RouteNotFoundError, RouteTable, find_conflicts

WEIGHTS = {"int": 50, "float": 50, "uuid": 100, "even": 100}


class Even(BaseConverter):
    def to_python(self, value):
        if len(value) % 2:
            raise ValidationError
        return value

    def to_url(self, value):
        if len(value) % 2:
            raise ValidationError
        return super().to_url(value)


CONVERTERS = {"even": Even}


def make_route(text, *, kind="endpoint", place=None, **options):
    nothing = Handlers({}, lambda context: None, ())
    return Route(parse_pattern(text), place or text, kind, nothing, nothing, **options)


def make_routes(*texts, base="/", **options):
    routes = [make_route(text, **options) for text in texts]
    return RouteTable(routes, Compiler(CONVERTERS), base.rstrip("/"))


def match(routes, path):
    found = routes.match(path)
    return None if found is None else (found.route.pattern.text, found.params)


# ------------------------------------------------------------ the slow, obvious way


def contract_order(route):
    """Segment by segment; the end of a path is before a rest and behind all others."""

    def rank(segment):
        if not re.search(r"[\[]", segment):
            return (0, 0)
        whole = re.fullmatch(r"\[(\.\.\.)?([^\[\]=]+)=?([^\[\]]*)\]", segment)
        if not whole:
            return (4, 0) if "..." in segment else (1, 0)
        if whole[1]:
            return (6, 0)
        return (2, WEIGHTS[whole[3]]) if whole[3] else (3, 0)

    segments = [segment for segment in route.pattern.text.split("/") if segment]
    return ([*map(rank, segments), (5, 0)], route.kind == "page", route.pattern.text)


def slow_match(routes, path):
    """Ask each route's own Werkzeug rules, in order."""
    for route in sorted(routes, key=contract_order):
        compiler = Compiler(CONVERTERS)
        for rule in compiler.compile_rules(route.pattern):
            compiler.map.add(rule.empty())
        try:
            _, values = compiler.map.bind("h").match(path.rstrip("/") or "/")
        except NotFound:
            continue
        names = [param.name for param in route.pattern.params]
        return route.pattern.text, {
            name: values.get(f"p{number}") for number, name in enumerate(names)
        }
    return None


# ------------------------------------------------------------ what is generated

texts = st.sampled_from(["a", "b", "aa", "-", "a.b", ".", ".png", "1", "x-", "%", "é", "<|>", "+"])
params = st.sampled_from(
    [*["[{}]"] * 3, "[{}=int]", "[{}=float]", "[{}=even]", "[{}=uuid]", *["[...{}]"] * 2]
)
shapes = st.lists(
    st.one_of(
        st.tuples(texts),
        st.tuples(params),
        st.tuples(params, texts),
        st.tuples(texts, params),
        st.tuples(params, texts, params),
        st.tuples(texts, params, texts, params, texts),
        st.tuples(params, texts, params, texts, params),
    ),
    max_size=4,
)


@st.composite
def patterns(draw):
    names = iter("pqrstuvwxyzabcdefghijk")
    segments = [
        "".join(part.format(next(names)) if "{" in part else part for part in shape)
        for shape in draw(shapes)
    ]
    text = "/" + "/".join(segments)
    assume(text.count("...") <= 1)
    try:
        pattern = parse_pattern(text)
        Compiler(CONVERTERS).check(pattern)
    except PatternError:  # a segment that is only dots, or an ambiguous converter
        assume(False)
    return pattern


@st.composite
def path_of(draw, pattern):
    """A path that the pattern may well match."""
    one = st.sampled_from(
        ["a", "b", "-", "a-b", "1", "12", "1.5", "x-1", ".png", "a.png", "é", "<|>", "--", "aa-+"]
    )
    many = st.lists(one, max_size=3).map("/".join)
    made = [
        "".join(
            part if isinstance(part, str) else draw(many if part.rest else one) for part in segment
        )
        for segment in pattern.segments
    ]
    return "/" + "/".join(text for text in made if text)


paths = st.lists(
    st.lists(
        st.sampled_from(["a", "b", "-", ".", "png", "1", "x", "%", "é", "<|>", "+"]), min_size=1
    ).map("".join),
    max_size=5,
).map(lambda segments: "/" + "/".join(segments))


@st.composite
def sites(draw):
    """Routes of which no two conflict, and a path."""
    chosen = {p.conflict_key: p for p in draw(st.lists(patterns(), min_size=1, max_size=7))}
    routes = [
        make_route(pattern.text, kind=draw(st.sampled_from(["endpoint", "page"])))
        for pattern in chosen.values()
    ]
    near = path_of(draw(st.sampled_from([route.pattern for route in routes])))
    path = draw(st.one_of(near, near, paths))
    assume("//" not in path and not {".", ".."} & set(path.split("/")))
    return routes, path + draw(st.sampled_from(["", "/"])) if path != "/" else path


@settings(max_examples=300)
@given(sites(), st.sampled_from([1, tree.MOST_TRIED]))
def test_the_tree_matches_as_werkzeugs_rules_one_by_one(site, most_tried):
    routes, path = site
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tree, "MOST_TRIED", most_tried)
        table = RouteTable(routes, Compiler(CONVERTERS))
    assert match(table, path) == slow_match(routes, path)


@given(sites(), st.data())
def test_a_path_that_a_route_does_not_list_goes_on_to_the_next(site, data):
    routes, path = site
    refused = data.draw(st.lists(st.sampled_from([route.pattern.text for route in routes])))
    passing = [route for route in routes if route.pattern.text not in refused]
    listing = [
        replace(route, lists=lambda params, path: False) if route not in passing else route
        for route in routes
    ]
    assert match(RouteTable(listing, Compiler(CONVERTERS)), path) == slow_match(passing, path)


def test_a_route_decides_by_its_parameters_and_the_path_below_the_prefix():
    calls = []

    def lists(params, path):
        calls.append((params, path))
        return path == "/b"

    routes = [make_route("/[id]", lists=lists), make_route("/[id]", kind="page")]
    table = RouteTable(routes, Compiler({}), "/docs")
    assert table.match("/docs/a").route is routes[1]
    assert table.match("/docs/b").route is routes[0]
    assert calls == [({"id": "a"}, "/a"), ({"id": "b"}, "/b")]
    assert [route for route, _ in table.candidates("/docs/a")] == routes
    assert list(table.candidates("/a")) == []


@pytest.mark.parametrize(
    "pattern", ["/[x]-{}", "/{}-[x]", "/{}-[x].png", "/[...x]-{}.png", "/[...x]-{}/end"]
)
def test_many_siblings_are_not_tried_one_by_one(monkeypatch, pattern):
    table = make_routes(*(pattern.format(number) for number in range(1000)))
    path = pattern.format(777).replace("[x]", "a").replace("[...x]", "b/a")
    tried = []

    def counted(frame, event, argument):
        tried.append(frame.f_code.co_name)

    sys.setprofile(counted)
    try:
        found = table.match(path)
        missing = table.match("/none")
    finally:
        sys.setprofile(None)
    assert found.route.pattern.text == pattern.format(777)
    assert missing is None
    assert len(tried) < 100


@given(sites())
def test_the_candidates_are_all_that_match_in_order_and_the_first_answers(site):
    routes, path = site
    table = RouteTable(routes, Compiler(CONVERTERS))
    candidates = [route for route, _ in table.candidates(path)]
    ordered = sorted(routes, key=contract_order)
    assert candidates == [route for route in ordered if slow_match([route], path)]
    assert [route.pattern.text for route in candidates[:1]] == [
        found[0] for found in [match(table, path)] if found
    ]


@given(sites(), st.randoms())
def test_the_order_of_files_does_not_matter(site, random):
    routes, path = site
    expected = match(RouteTable(routes, Compiler(CONVERTERS)), path)
    random.shuffle(routes)
    assert match(RouteTable(routes, Compiler(CONVERTERS)), path) == expected


values = st.one_of(
    st.text("ab-./\\%é\0+", max_size=6),
    st.text(max_size=4),
    st.integers(),
    st.floats(allow_nan=False),
    st.uuids(),
    st.sampled_from(["e\u0301", "..", ".", "", "/", "a/", "/a", "a/b", "a-b", "1", "1.5", "aa"]),
)


@given(patterns(), st.data())
def test_url_for_and_match_are_inverse(pattern, data):
    given_values = {
        param.name: data.draw(st.one_of(st.none(), values) if param.rest else values)
        for param in pattern.params
    }
    routes = make_routes(pattern.text)
    try:
        url = routes.url_for(pattern.text, given_values)
    except (TypeError, ValueError):
        return
    assert url.isascii()
    path = decode_path(unquote(url).encode().decode("latin-1"))
    assert path == unquote(url)
    assert "//" not in path
    found = routes.match(path)
    assert found is not None
    assert found.params.keys() == given_values.keys()
    for name, value in given_values.items():
        read = found.params[name]
        assert read == value or str(read) == normalize("NFC", str(value))


class OtherText(str):
    """Text that is not plain: `url_for` checks that the route reads it back."""


@given(patterns(), st.data())
def test_plain_values_give_the_path_that_the_checks_give(pattern, data):
    texts = st.one_of(st.text("aB1_-", max_size=3), st.sampled_from(["é", "1.5", "\n", "a\n"]))
    given_values = {param.name: data.draw(texts) for param in pattern.params}
    routes = make_routes(pattern.text)

    def outcome(values):
        try:
            return routes.url_for(pattern.text, values)
        except ValueError:
            return None

    checked = {name: OtherText(value) for name, value in given_values.items()}
    assert outcome(given_values) == outcome(checked)


@given(patterns(), st.data())
def test_url_for_writes_every_path_that_is_matched(pattern, data):
    path = data.draw(path_of(pattern))
    assume("//" not in path and not {".", ".."} & set(path.split("/")))
    routes = make_routes(pattern.text)
    found = routes.match(path)
    assume(found is not None)
    if any(isinstance(value, float) for value in found.params.values()):
        return  # 01.50 is another way to write 1.5
    assert unquote(routes.url_for(pattern.text, found.params)) == path


# ------------------------------------------------------------ examples


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/", ("/", {})),
        ("", ("/", {})),
        ("/docs", ("/docs/[...path]", {"path": None})),
        ("/docs/", ("/docs/[...path]", {"path": None})),
        ("/docs/a/b", ("/docs/[...path]", {"path": "a/b"})),
        ("/docs/a/edit", ("/docs/[...path]/edit", {"path": "a"})),
        ("/docs/edit", ("/docs/[...path]/edit", {"path": None})),
        ("/docs/a/b.png", ("/docs/[...path].png", {"path": "a/b"})),
        ("/products/42.json", ("/products/[id].json", {"id": "42"})),
        ("/products/.json", ("/products/[id]", {"id": ".json"})),
        ("/products/42", ("/products/[id]", {"id": "42"})),
        ("/orders/7", ("/orders/[id=int]", {"id": 7})),
        ("/orders/x", None),
        ("/en-v2/info", ("/[lang]-[version]/info", {"lang": "en", "version": "v2"})),
        ("/nothing", None),
        ("/orders", None),
    ],
)
def test_the_route_of_a_path(path, answer):
    routes = make_routes(
        *("/", "/docs/[...path]", "/docs/[...path]/edit", "/docs/[...path].png"),
        *("/products/[id].json", "/products/[id]", "/orders/[id=int]", "/[lang]-[version]/info"),
    )
    assert match(routes, path) == answer


def test_a_route_that_fails_further_on_leaves_the_path_to_the_next():
    routes = make_routes("/a/[x]/b", "/[y]/c/d", "/[y]/[z=int]/[...rest]")
    assert match(routes, "/a/c/b") == ("/a/[x]/b", {"x": "c"})
    assert match(routes, "/a/c/d") == ("/[y]/c/d", {"y": "a"})
    assert match(routes, "/a/5/d/e") == (
        "/[y]/[z=int]/[...rest]",
        {"y": "a", "z": 5, "rest": "d/e"},
    )
    assert match(routes, "/a/c/e") is None


def test_among_equals_endpoints_are_before_pages_and_then_names_decide():
    page = make_route("/[a]-x[b]", kind="page")
    one, two = make_route("/x-[b]"), make_route("/[b]-x")
    routes = RouteTable([page, one, two], Compiler({}))
    assert [route.pattern.text for route in routes.all] == ["/[b]-x", "/x-[b]", "/[a]-x[b]"]
    assert match(routes, "/x-x") == ("/[b]-x", {"b": "x"})


def test_a_partly_rest_segment_is_behind_a_dynamic_one():
    routes = make_routes("/f/[...path].txt", "/f/[name].txt", "/g/[...path].txt", "/g/[name]")
    assert match(routes, "/f/a.txt") == ("/f/[name].txt", {"name": "a"})
    assert match(routes, "/f/a/b.txt") == ("/f/[...path].txt", {"path": "a/b"})
    assert match(routes, "/g/a.txt") == ("/g/[name]", {"name": "a.txt"})


def test_several_rest_parameters_at_one_position_are_all_tried():
    routes = make_routes("/[...a]/x/y", "/[...a]/z", "/[...a]-b/z")
    assert match(routes, "/1/2/x/y") == ("/[...a]/x/y", {"a": "1/2"})
    assert match(routes, "/1/2/z") == ("/[...a]/z", {"a": "1/2"})
    assert match(routes, "/1/2-b/z") == ("/[...a]-b/z", {"a": "1/2"})
    assert match(routes, "/z") == ("/[...a]/z", {"a": None})


def test_the_first_of_two_tails_of_one_rest_answers():
    routes = make_routes("/[...a].x/[b]/c", "/[...a].x/[b]")
    assert match(routes, "/1.x/2.x/c") == ("/[...a].x/[b]/c", {"a": "1", "b": "2.x"})
    assert match(routes, "/1.x/c") == ("/[...a].x/[b]", {"a": "1", "b": "c"})


def test_long_hostile_paths_are_read_once():
    routes = make_routes(
        *("/[a]-[b]-[c].x", "/[...p].png", "/[a]/[b]-[c]", "/[...p]/[q]-[r]-[s].y", "/[...r]/end")
    )
    assert match(routes, "/" + "-" * 4000) is None
    assert match(routes, "/a" * 2000) is None
    assert match(routes, "/-" * 2000) is None
    assert match(routes, "/a" * 2000 + ".png") == ("/[...p].png", {"p": ("a/" * 2000)[:-1]})


@pytest.mark.parametrize(
    ("slash", "base", "static"),
    [
        (None, "/", {"/": "/", "/a": "/a", "/a/": "/a", "/caf\xc3\xa9": "/café"}),
        (False, "/", {"/": "/", "/a": "/a"}),
        (True, "/", {"/": "/", "/a/": "/a"}),
        (None, "/docs", {"/docs": "/", "/docs/": "/", "/docs/a": "/a", "/docs/a/": "/a"}),
        (False, "/docs", {"/docs": "/", "/docs/a": "/a"}),
        (True, "/docs", {"/docs/": "/", "/docs/a/": "/a"}),
    ],
)
def test_a_path_without_parameters_is_one_look_up(slash, base, static):
    texts = ["/", "/a", "/[x]"] + (["/café"] if "/caf\xc3\xa9" in static else [])
    routes = make_routes(*texts, base=base, slash=slash)
    found = {path: match.route.pattern.text for path, match in routes.exact.items()}
    found.pop("/caf\xc3\xa9/", None)
    assert found == static
    for wsgi, match in routes.exact.items():
        assert match.path.encode().decode("latin-1") == wsgi


def test_a_redirect_is_not_among_the_static_paths():
    routes = RouteTable([make_route("/old", kind="redirect")], Compiler({}))
    assert routes.exact == {}
    assert match(routes, "/old") == ("/old", {})


# ------------------------------------------------------------ url_for


@pytest.mark.parametrize(
    ("pattern", "params", "url"),
    [
        ("/", {}, "/"),
        ("/about", {}, "/about"),
        ("/products/[id].json", {"id": "42"}, "/products/42.json"),
        ("/products/[id].json", {"id": 42}, "/products/42.json"),
        ("/products/[id].json", {"id": "ä b%/?"[:4]}, "/products/%C3%A4%20b%25.json"),
        ("/products/[id].json", {"id": "a\u0308"}, "/products/%C3%A4.json"),
        ("/orders/[id=int]", {"id": 7}, "/orders/7"),
        ("/orders/[id=int]", {"id": "7"}, "/orders/7"),
        ("/docs/[...path]", {}, "/docs"),
        ("/docs/[...path]", {"path": None}, "/docs"),
        ("/docs/[...path]", {"path": "a/b c"}, "/docs/a/b%20c"),
        ("/img[...p].png", {}, "/img.png"),
        ("/img[...p].png", {"p": "s/x"}, "/imgs/x.png"),
        ("/[größe]", {"größe": "XL"}, "/XL"),
        ("/<[x]>|/y", {"x": "1"}, "/%3C1%3E|/y"),
    ],
)
def test_the_path_of_a_route(pattern, params, url):
    routes = make_routes(
        *("/", "/about", "/products/[id].json", "/orders/[id=int]", "/docs/[...path]"),
        *("/img[...p].png", "/[größe]", "/<[x]>|/y"),
    )
    assert routes.url_for(pattern, params) == url


@pytest.mark.parametrize(
    ("slash", "base", "urls"),
    [
        (None, "/", ["/", "/a", "/a/1"]),
        (True, "/", ["/", "/a/", "/a/1/"]),
        (False, "/", ["/", "/a", "/a/1"]),
        (None, "/b", ["/b", "/b/a", "/b/a/1"]),
        (True, "/b", ["/b/", "/b/a/", "/b/a/1/"]),
        (False, "/b", ["/b", "/b/a", "/b/a/1"]),
        (None, "/é", ["/%C3%A9", "/%C3%A9/a", "/%C3%A9/a/1"]),
    ],
)
def test_url_for_writes_base_and_slash_as_the_site_wants_them(slash, base, urls):
    routes = make_routes("/", "/a", "/a/[x]", base=base, slash=slash)
    made = [routes.url_for("/", {}), routes.url_for("/a", {}), routes.url_for("/a/[x]", {"x": 1})]
    assert made == urls


@pytest.mark.parametrize(
    ("pattern", "params", "error", "text"),
    [
        (
            "/product/[id]",
            {},
            RouteNotFoundError,
            "No route has the pattern '/product/[id]'. Did you mean '/products/[id]'?",
        ),
        ("zzz", {}, RouteNotFoundError, "No route has the pattern 'zzz'."),
        (
            "/products/[id]",
            {"idd": 1},
            RouteNotFoundError,
            "/products/[id] needs 'id'. Did you mean 'idd'?",
        ),
        ("/products/[id]", {"id": None}, RouteNotFoundError, "/products/[id] needs 'id'."),
        (
            "/docs/[...path]",
            {"paht": "x"},
            TypeError,
            "/docs/[...path] has no parameter 'paht'. Did you mean 'path'?",
        ),
        (
            "/products/[id]",
            {"id": 1, "size": "XL"},
            TypeError,
            "/products/[id] has no parameter 'size'.",
        ),
        (
            "/products/[id]",
            {"id": "\u0301\u0316" * 16},
            BadPathError,
            "There are more than 30 combining marks in a row.",
        ),
    ],
)
def test_what_url_for_does_not_know(pattern, params, error, text):
    routes = make_routes("/products/[id]", "/docs/[...path]")
    with pytest.raises(error) as caught:
        routes.url_for(pattern, params)
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("pattern", "params"),
    [
        *(
            ("/p/[id]", {"id": id})
            for id in ("", "a/b", ".", "..", "a\\b", "a\n", "\ufffd", "\ud800")
        ),
        *(("/d/[...x]", {"x": x}) for x in ("", "/a", "a/", "a//b", "../a", "a/..", ".")),
        *(
            ("/o/[n=int]", {"n": n})
            for n in (True, b"7", "x", "07", -1, 1.5, [1], "", float("inf"))
        ),
        ("/e/[n=even]", {"n": "abc"}),
        ("/[a]-[b]", {"a": "x-y", "b": "z"}),
        ("/img[...p].png", {"p": "x/"}),
        ("/img[...p].png", {"p": ""}),
    ],
)
def test_url_for_never_writes_a_path_that_arrives_as_another(pattern, params):
    routes = make_routes(
        "/p/[id]", "/d/[...x]", "/o/[n=int]", "/e/[n=even]", "/[a]-[b]", "/img[...p].png"
    )
    with pytest.raises(ValueError, match="would not read") as caught:
        routes.url_for(pattern, params)
    given_text = ", ".join(f"{name}={value!r}" for name, value in params.items())
    assert str(caught.value) == f"{pattern} would not read {given_text} back from its own path."


@pytest.mark.parametrize("value", [["a", "b"], {"a": 1}, ("a",), {1}, True, b"a", 1.5, object])
@pytest.mark.parametrize("pattern", ["/p/[x]", "/d/[...x]", "/[x].json"])
def test_url_for_takes_text_and_numbers(pattern, value):
    with pytest.raises(TypeError, match="Give it a str or an int") as caught:
        make_routes(pattern).url_for(pattern, {"x": value})
    kind = type(value).__name__
    assert str(caught.value).startswith(f"{pattern} got a {kind} as 'x': {value!r}. ")


def test_a_converter_decides_which_values_url_for_takes():
    class Words(BaseConverter):
        def to_python(self, value):
            return value.split("+")

        def to_url(self, value):
            return "+".join(value)

    class Switch(BaseConverter):
        regex = "on|off"

        def to_python(self, value):
            return value == "on"

        def to_url(self, value):
            return "on" if value else "off"

    route = make_route("/[words=words]/[switch=switch]")
    routes = RouteTable([route], Compiler({"words": Words, "switch": Switch}))
    params = {"words": ["a", "b"], "switch": True}
    assert routes.url_for(route.pattern.text, params) == "/a+b/on"


def test_the_reason_why_url_for_refuses_a_value_is_its_cause():
    routes = make_routes("/o/[n=int]")
    with pytest.raises(ValueError, match="would not read") as caught:
        routes.url_for("/o/[n=int]", {"n": "x"})
    assert str(caught.value.__cause__) == "invalid literal for int() with base 10: 'x'"


# ------------------------------------------------------------ conflicts


def test_two_routes_of_the_same_urls_conflict():
    routes = [
        make_route("/[id]", place="src/pages/[id].py"),
        make_route("/a", place="src/pages/a.py"),
        make_route("/[slug]", place="src/pages/[slug].jinja"),
        make_route("/[id=int]", place="src/pages/[id=int].py"),
        make_route("/a", place="framework.config.py: redirects['/a']", kind="redirect"),
    ]
    assert [(first.file, second.file) for first, second in find_conflicts(routes)] == [
        ("src/pages/[id].py", "src/pages/[slug].jinja"),
        ("src/pages/a.py", "framework.config.py: redirects['/a']"),
    ]


def test_routes_without_conflict_are_fine():
    assert find_conflicts([make_route("/a"), make_route("/[a]"), make_route("/[...a]")]) == []


def test_a_segment_of_the_tree_is_made_once(monkeypatch):
    made = []
    accept = Compiler.compile_segment
    monkeypatch.setattr(
        Compiler,
        "compile_segment",
        lambda self, segment: made.append(segment) or accept(self, segment),
    )
    RouteTable([make_route("/[a].x/b"), make_route("/[c].x/d")], Compiler({}))
    assert made == [(Param("a"), ".x")]


def test_a_rule_is_compiled_at_the_first_url_for_of_its_pattern(monkeypatch):
    bound = []
    bind = Rule.bind
    monkeypatch.setattr(
        Rule, "bind", lambda self, *map: bound.append(self.rule) or bind(self, *map)
    )
    table = make_routes("/a", "/[id]", "/b/[id]", "/docs/[...path]")
    assert table.match("/b/7") is not None
    assert table.url_for("/a", {}) == "/a"
    assert bound == []
    for _ in range(2):
        assert table.url_for("/b/[id]", {"id": 7}) == "/b/7"
    assert bound == ["/b/<framework_default:p0>"]
