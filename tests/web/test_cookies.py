import math
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from http.cookies import SimpleCookie
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.http import parse_cookie

from framework.web.cookies import Cookie, Cookies

TOKEN = "!#$%&'*+-.^_`|~0123456789ABCXYZabcxyz"
BARE = {"path": None, "http_only": False, "same_site": None}

names = st.text(TOKEN, min_size=1, max_size=8).filter(
    lambda name: not name.lower().startswith(("__host-", "__secure-"))
)
texts = st.text(st.characters(codec="utf-8"), max_size=40)


def line(name="a", value="1", *, https=False, **attributes):
    """The one Set-Cookie line that setting this cookie makes."""
    cookies = Cookies(secure=https)
    cookies.set(name, value, **attributes)
    [header] = cookies.headers()
    return header


def value(header, name="a"):
    cookie = Cookies(header).get(name)
    return None if cookie is None else cookie.value


# Reading


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("", None),
        ("a=1", "1"),
        ("b=2; a=1", "1"),
        ("  a  =  1 ;b=2", "1"),
        ("\ta\t=\t1\t", "1"),
        ("a=1; a=2", "1"),
        ("A=1", None),
        ("a", None),
        ("a; b=2", None),
        ("a=", ""),
        ("a=b=c", "b=c"),
        ("a=1,b=2", "1,b=2"),
        ('a="x y"', '"x y"'),
        ("=x; a=1;;", "1"),
        ("\xa0a=1", None),
        ("\x85a=1; a=2", "2"),
        ("x a=1", None),
        ("a=\xff", "\xff"),
        ("a=\xc3\xa9; \xff=1", "é"),
        ("a=\u20ac", "\u20ac"),
        ("a=x\x01y", "x\x01y"),
        ("a=%C3%A9+%20", "é+ "),
        ("a=é%20é", "é é"),
        ("a=%2525", "%25"),
        ("a=%", "%"),
        ("a=%20%zz", "%20%zz"),
        ("a=%20%4", "%20%4"),
        ("a=%ff", "%ff"),
        ("a=%ED%A0%80", "%ED%A0%80"),
        ("a=%C3é", "%C3é"),
    ],
)
def test_reading_the_header_of_a_request(header, found):
    assert value(header) == found
    assert Cookies(header).has("a") is (found is not None)
    assert ("a" in Cookies(header)) is (found is not None)


@pytest.mark.parametrize(
    "name", ["user[id]", "a b", "a,b", '"a"', "a/b", "{a}", "a@b.c", "<a>", "%41", "é", "€", "\x80"]
)
def test_every_name_that_browsers_send_is_read(name):
    for sent in (name, name.encode().decode("latin-1")):
        cookies = Cookies(f"x=1; {sent}=7; a=2")
        assert cookies.get(name).value == "7"
        assert cookies.get("a").value == "2"


def test_old_quoting_neither_hides_nor_makes_cookies():
    cookies = Cookies('$Version=1; s="a; admin=1"; $Path="/"')
    assert cookies.get("s").value == '"a'
    assert cookies.get("admin").value == '1"'


@pytest.mark.parametrize("header", ["=__Host-s=evil", "\xa0__Host-s=evil", "\x85__Host-s=evil"])
def test_no_other_name_becomes_a_prefixed_one(header):
    assert not Cookies(header).has("__Host-s")


def test_a_decoder_of_ones_own():
    cookies = Cookies("a=%41; b=xyz")
    assert cookies.get("a", decode=str.lower).value == "%41"
    assert cookies.get("b", decode=bytes.fromhex).value == "xyz"
    with pytest.raises(ZeroDivisionError):
        cookies.get("b", decode=lambda text: 1 / 0)


@given(st.text())
def test_no_header_raises(header):
    cookies = Cookies(header)
    repr(cookies)
    for part in header.split(";"):
        cookies.get(part.partition("=")[0])


# The value


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("", 0),
        (" ", 0),
        ("0", 0),
        ("22", 22),
        ("-3", -3),
        ("+3", 3),
        ("007", 7),
        (" 1.5\t", 1.5),
        ("1.", 1),
        (".5", 0.5),
        ("1e3", 1000),
        ("1E-2", 0.01),
        ("1e999", math.inf),
        ("9007199254740993", 9007199254740992.0),
        ("0x1F", 31),
        ("0o17", 15),
        ("0B11", 3),
        ("-Infinity", -math.inf),
        ("\ufeff1\u2029", 1),
        ("0x" + "f" * 200, float(16**200 - 1)),
        ("0x" + "f" * 9000, math.inf),
    ],
)
def test_numbers_as_javascript_reads_them(text, number):
    assert Cookie(text).number() == number
    assert type(Cookie(text).number()) is float


@pytest.mark.parametrize(
    "text",
    [
        *("bar", "1_000", "--1", "1,5", "1 2", "12px", "-0x1", "0x", "٣", ".", "e3", "1e"),
        *("NaN", "nan", "inf", "infinity", "1\x1c", "\x851", "1e5.0", "1.5.0"),
    ],
)
def test_the_number_of_no_number_is_nan(text):
    assert math.isnan(Cookie(text).number())


def test_a_number_of_any_length_is_a_number():
    assert Cookie("9" * 5000).number() == math.inf
    assert Cookie("0." + "0" * 5000 + "1").number() == 0


@pytest.mark.parametrize("prefix", ["", ".", "1.", "1e", "0x", "0b"])
def test_a_long_text_that_is_almost_a_number_takes_linear_time(prefix):
    """With a pattern that backtracks, this test runs for hours."""
    assert math.isnan(Cookie(prefix + "1" * 1_000_000 + "z").number())


@pytest.mark.parametrize("text", ["false", "0", ""])
def test_what_is_false(text):
    assert Cookie(text).boolean() is False


@pytest.mark.parametrize("text", ["true", "1", "False", "no", "00", " "])
def test_what_is_true(text):
    assert Cookie(text).boolean() is True


def test_json_of_a_value():
    assert Cookie('{"a": [1, null, "é"]}').json() == {"a": [1, None, "é"]}


@pytest.mark.parametrize("text", ["", "bar", "{", "'a'", "NaN", "[Infinity]", "[" * 100_000])
def test_json_of_no_json_is_a_value_error(text):
    with pytest.raises(ValueError):  # noqa: PT011
        Cookie(text).json()


def test_a_cookie_can_not_be_changed_and_its_repr_shows_nothing():
    cookie = Cookie("secret")
    with pytest.raises(AttributeError):
        cookie.value = "other"
    assert repr(cookie) == "Cookie()"
    assert list(cookie.__rich_repr__()) == []


# Writing


def test_the_attributes_that_every_cookie_gets():
    assert line() == "a=1; Path=/; HttpOnly; SameSite=Lax"
    assert line(https=True) == "a=1; Path=/; HttpOnly; Secure; SameSite=Lax"


@pytest.mark.parametrize("off", [None, False])
def test_none_and_false_leave_an_attribute_out(off):
    assert (
        line(
            https=True,
            domain=off,
            path=off,
            expires=off,
            max_age=off,
            http_only=off,
            same_site=off,
            secure=off,
            partitioned=off,
        )
        == "a=1"
    )


def test_every_attribute_in_its_place():
    assert line(
        domain=".example.com",
        path="/a b?c",
        expires=datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC),
        max_age=60,
        same_site="none",
        secure=True,
        partitioned=True,
    ) == (
        "a=1; Path=/a b?c; Domain=.example.com; Max-Age=60; "
        "Expires=Wed, 02 Jan 2030 03:04:05 GMT; HttpOnly; Secure; SameSite=None; Partitioned"
    )


@pytest.mark.parametrize(
    ("same_site", "written"),
    [("strict", "Strict"), ("Lax", "Lax"), ("NONE", "None"), (True, "Strict")],
)
def test_same_site_in_any_case(same_site, written):
    assert line(same_site=same_site, secure=True).endswith(f"; SameSite={written}")


@pytest.mark.parametrize(
    ("max_age", "seconds"), [(0, 0), (-1, -1), (60.0, 60), (timedelta(hours=1), 3600)]
)
def test_max_age_in_seconds(max_age, seconds):
    assert line(max_age=max_age, **BARE) == f"a=1; Max-Age={seconds}"


@pytest.mark.parametrize(
    "expires",
    [
        datetime(2030, 1, 2, 3, 4, 5),
        datetime(2030, 1, 2, 3, 4, 5, 999, tzinfo=UTC),
        datetime(2030, 1, 2, 5, 4, 5, tzinfo=timezone(timedelta(hours=2))),
        "Wed, 02 Jan 2030 03:04:05 GMT",
    ],
)
def test_expires_is_written_in_gmt(expires):
    assert line(expires=expires, **BARE) == "a=1; Expires=Wed, 02 Jan 2030 03:04:05 GMT"


@pytest.mark.parametrize(
    ("stored", "sent", "read"),
    [
        ("plain", "plain", "plain"),
        ("", "", ""),
        ("!#$&'()*+-./:<=>?@[]^_`{|}~", "!#$&'()*+-./:<=>?@[]^_`{|}~", None),
        ("a b!'()*~", "a%20b!'()*~", None),
        ("http://localhost/path", "http://localhost/path", None),
        ("100%", "100%25", None),
        ('"', "%22", None),
        ("\\", "%5C", None),
        ("a;b,c", "a%3Bb%2Cc", None),
        ("a\r\nSet-Cookie: x=y", "a%0D%0ASet-Cookie%3A%20x%3Dy", None),
        ("é😀\x7f\0", "%C3%A9%F0%9F%98%80%7F%00", None),
        (2, "2", "2"),
        (1.5, "1.5", "1.5"),
        (Decimal("0.10"), "0.10", "0.10"),
        (True, "true", "true"),
        (False, "false", "false"),
        (None, "null", "null"),
        ([1, 2], "%5B1%2C2%5D", "[1,2]"),
        ({"a": {"b": "é"}}, "%7B%22a%22%3A%7B%22b%22%3A%22%C3%A9%22%7D%7D", '{"a":{"b":"é"}}'),
        ([math.nan], "[null]", "[null]"),
    ],
)
def test_what_is_stored_what_is_sent_and_what_is_read(stored, sent, read):
    cookies = Cookies("a=old")
    cookies.set("a", stored, **BARE)
    assert cookies.headers() == [f"a={sent}"]
    assert cookies.get("a").value == (stored if read is None else read)


def test_an_encoder_of_ones_own():
    cookies = Cookies()
    cookies.set("a", "x y", encode=lambda text: text.replace(" ", "_"), **BARE)
    assert cookies.headers() == ["a=x_y"]
    assert cookies.get("a").value == "x y"


@pytest.mark.parametrize("sent", ["a\r\nb", "a\nb", "a\0b", "a;b", "a b", "é", "\x7f"])
def test_an_encoder_can_not_break_the_header(sent):
    with pytest.raises(ValueError, match=r"^Cookie a: encode\(\) returned a space"):
        line(encode=lambda text: sent)


@pytest.mark.parametrize(
    "name", ["", "a b", "a;b", "a=b", "a\r\nb", "a\n", "\0", "\x7f", "é", "a,b", '"a"', "a\tb"]
)
def test_a_name_that_is_no_token_is_refused(name):
    cookies = Cookies()
    for write in (lambda: cookies.set(name, "1"), lambda: cookies.delete(name)):
        with pytest.raises(ValueError, match="is not a cookie name"):
            write()
    assert cookies.headers() == []


@pytest.mark.parametrize(
    "attributes",
    [
        *({"path": path} for path in ("/\r\nX: y", "/\n", "/;Secure", "/\0", "/é", "/\x7f")),
        *({"domain": d} for d in ("a;b", "a b", "a.com\r\nX: y", "a..b", "é.com", "a_b;HttpOnly")),
        *({"same_site": site} for site in ("bogus", "lax; Secure", "lax\n", 5)),
    ],
)
def test_an_attribute_that_would_break_the_header_is_refused(attributes):
    cookies = Cookies()
    [name] = attributes
    for write in (cookies.delete, lambda n, **kw: cookies.set(n, "1", **kw)):
        with pytest.raises(ValueError, match=f"^{name}="):
            write("a", **attributes)
    assert cookies.headers() == []


@pytest.mark.parametrize("max_age", [1.5, math.inf, math.nan, "60", "60; Secure", True])
def test_max_age_is_whole_seconds(max_age):
    with pytest.raises(ValueError, match=r"^max_age=.* is not a whole number of seconds\.$"):
        line(max_age=max_age)


@pytest.mark.parametrize(
    "expires",
    [
        *("tomorrow", "", "Wed, 02 Jan 2030 03:04:05 GMT; Secure", "a\r\nb", 0, 1e9, True),
        "Wed, 02 Jan 99999999999999999999 03:04:05 GMT",
    ],
)
def test_expires_is_a_date(expires):
    with pytest.raises(ValueError):  # noqa: PT011
        line(expires=expires)


@pytest.mark.parametrize(
    "expires",
    [
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-5))),
        datetime.min.replace(tzinfo=timezone(timedelta(hours=5))),
        "Fri, 31 Dec 9999 23:59:59 -0500",
    ],
)
def test_expires_is_in_a_year_of_four_digits(expires):
    with pytest.raises(ValueError, match=r"^expires=.* is not in the years 1 to 9999 in UTC\.$"):
        line(expires=expires)


def test_what_browsers_would_not_keep_is_refused():
    assert line("n" * 96, "v" * 4000, **BARE)
    with pytest.raises(ValueError, match="name and value have 4097 bytes; browsers keep no more"):
        line("n" * 97, "v" * 4000)
    with pytest.raises(ValueError, match="name and value have 4501 bytes"):
        line("n", "é" * 750)


@pytest.mark.parametrize(
    ("name", "attributes", "message"),
    [
        ("a", {"same_site": "none"}, 'Cookie a: same_site="none" needs secure=True.'),
        ("a", {"partitioned": True}, "Cookie a: partitioned needs secure=True."),
        ("__Secure-a", {}, "Cookie __Secure-a: a name with this prefix needs secure=True."),
        ("__hOSt-a", {}, "Cookie __hOSt-a: a name with this prefix needs secure=True."),
        ("__Http-a", {}, "Cookie __Http-a: a name with this prefix needs secure=True."),
        (
            "__Http-a",
            {"secure": True, "http_only": False},
            "Cookie __Http-a: a name with this prefix needs http_only=True.",
        ),
        (
            "__Host-Http-a",
            {"secure": True, "http_only": None},
            "Cookie __Host-Http-a: a name with this prefix needs http_only=True.",
        ),
        (
            "__Host-a",
            {"secure": True, "path": "/x"},
            'Cookie __Host-a: a name with this prefix needs path="/" and no domain.',
        ),
        (
            "__Host-a",
            {"secure": True, "domain": "a.com"},
            'Cookie __Host-a: a name with this prefix needs path="/" and no domain.',
        ),
    ],
)
def test_what_browsers_would_drop_without_a_word_is_refused(name, attributes, message):
    cookies = Cookies()
    for write in (cookies.delete, lambda n, **kw: cookies.set(n, "1", **kw)):
        with pytest.raises(ValueError, match="needs") as raised:
            write(name, **attributes)
        assert str(raised.value) == message


@pytest.mark.parametrize("name", ["__Host-a", "__Secure-a", "__host-a", "__Host-Http-a", "__x"])
def test_prefixed_names_over_https(name):
    assert line(name, https=True) == f"{name}=1; Path=/; HttpOnly; Secure; SameSite=Lax"


# Both


def test_get_sees_what_was_written():
    cookies = Cookies("a=1; b=2")
    cookies.set("a", "new")
    cookies.delete("b")
    assert cookies.get("a").value == "new"
    assert cookies.get("b") is None
    assert "b" not in cookies
    cookies.set("b", "again", **BARE)
    assert cookies.get("b").value == "again"
    assert cookies.headers()[1:] == ["b=again"]


def test_deleting_sends_a_date_in_the_past_and_the_usual_attributes():
    cookies = Cookies(secure=True)
    cookies.delete("a", domain="a.com", path="/x", same_site="strict")
    assert cookies.headers() == [
        "a=deleted; Path=/x; Domain=a.com; Expires=Thu, 01 Jan 1970 00:00:00 GMT; "
        "HttpOnly; Secure; SameSite=Strict"
    ]
    cookies.delete("a", path=None, http_only=None, same_site=None, secure=False)
    assert cookies.headers() == ["a=deleted; Expires=Thu, 01 Jan 1970 00:00:00 GMT"]


def test_an_unknown_option_is_a_type_error():
    cookies = Cookies()
    with pytest.raises(TypeError, match="Unknown option httponly"):
        cookies.set("a", "1", httponly=True)
    with pytest.raises(TypeError, match="Unknown option max_age"):
        cookies.delete("a", max_age=5)
    assert cookies.headers() == []


def test_one_line_for_each_name_however_often_it_is_written():
    cookies = Cookies()
    cookies.set("a", "1", **BARE)
    cookies.set("A", "2", **BARE)
    cookies.set("a", "3", **BARE)
    assert cookies.headers() == cookies.headers() == ["a=3", "A=2"]


def test_a_refused_write_leaves_the_last_one():
    cookies = Cookies()
    cookies.set("a", "1", **BARE)
    with pytest.raises(ValueError, match="path"):
        cookies.set("a", "2", path="\n")
    assert cookies.headers() == ["a=1"]


def test_cookies_know_whether_one_of_the_client_was_looked_up():
    cookies = Cookies("a=1")
    cookies.set("b", "2")
    assert cookies.get("b").value == "2"
    assert not cookies.were_read
    cookies.get("a")
    assert cookies.were_read


def test_merge_takes_over_writes_and_nothing_else():
    source = Cookies("request=1")
    source.set("a", "new", **BARE)
    source.delete("b", **BARE)
    target = Cookies("b=2")
    target.set("a", "old", **BARE)
    target.set("c", "3", **BARE)
    target.merge(source)
    assert target.headers() == [
        "a=new",
        "c=3",
        "b=deleted; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
    ]
    assert not target.has("request")
    assert not target.has("b")


def test_the_repr_shows_names_only():
    cookies = Cookies("a=secret; b=secret")
    cookies.set("c", "secret")
    cookies.delete("b")
    assert repr(cookies) == "<Cookies: a, c>"


@given(names, texts)
def test_what_is_written_is_read_back_by_everyone(name, stored):
    header = line(name, stored, **BARE)
    assert value(header, name) == stored
    assert {k: unquote(v) for k, v in parse_cookie(header).items()} == {name: stored}


@given(st.sampled_from(["a", "session-id", "x.y"]), texts)
def test_what_is_written_is_read_back_by_the_standard_library(name, stored):
    parsed = SimpleCookie(line(name, stored))
    assert unquote(parsed[name].value) == stored
    assert parsed[name]["path"] == "/"
    assert parsed[name]["httponly"] is True


@given(names, texts, st.text(), st.text())
def test_no_attribute_reaches_the_header_unchecked(name, stored, path, domain):
    try:
        header = line(name, stored, path=path, domain=domain)
    except ValueError:
        return
    assert header.isascii()
    assert header.isprintable()
    attributes = [part.partition("=")[0] for part in header.split("; ")[1:]]
    assert attributes == [
        *["Path"] * bool(path),
        *["Domain"] * bool(domain),
        "HttpOnly",
        "SameSite",
    ]


@pytest.mark.parametrize("secure", [False, True])
def test_a_cookie_without_options_has_the_defaults(secure):
    short, long = Cookies(secure=secure), Cookies(secure=secure)
    short.set("a", "b")
    long.set("a", "b", path="/", http_only=True, same_site="lax", secure=secure)
    assert short.headers() == long.headers()
