"""What a terminal is shown cannot drive it, and no sink ever holds a secret."""

from __future__ import annotations

import base64
import json
import threading
import unicodedata
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orchctl.sanitize import forget_secrets, passing_secrets, register_secret, safe, safe_json, scrub

ANY_TEXT = st.text(st.characters(exclude_categories=()))


@pytest.fixture(autouse=True)
def no_secrets() -> Iterator[None]:
    yield
    forget_secrets()


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("plain", "plain"),
        ("привет, 日本語 🙂 é", "привет, 日本語 🙂 é"),
        ("no\u00a0break", "no\u00a0break"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("\x1b]52;c;cm0gLXJm\x07", "\\x1b]52;c;cm0gLXJm\\x07"),
        ("\x1b]8;;https://evil.example\x1b\\click", "\\x1b]8;;https://evil.example\\x1b\\click"),
        ("\x9b31m \x85", "\\x9b31m \\x85"),
        ("\x00\x08\x7f", "\\x00\\x08\\x7f"),
        ("a\tb\r\nc", "a\\tb\\r\\nc"),
        ("user\u202egnp.exe", "user\\u202egnp.exe"),
        ("\u200bzero\u200dwidth\ufeff", "\\u200bzero\\u200dwidth\\ufeff"),
        ("\u2028line\u2029paragraph", "\\u2028line\\u2029paragraph"),
        ("\ud800half", "\\ud800half"),
        ("\U000e0041tag", "\\U000e0041tag"),
        ("[red]markup[/] :smile:", "[red]markup[/] :smile:"),
    ],
)
def test_what_moves_or_hides_is_shown_as_an_escape(given: str, shown: str) -> None:
    assert safe(given) == shown


def test_newlines_and_tabs_stay_where_they_are_wanted() -> None:
    assert safe("a\n\tb\r\x1b", keep_newlines=True) == "a\n\tb\\r\\x1b"


HARMLESS_FORMATS = frozenset(
    "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
)


def drives_a_terminal(character: str) -> bool:
    category = unicodedata.category(character)
    if category == "Cf":  # those that are left have a glyph of their own, or only group others
        return character not in HARMLESS_FORMATS and not "\U00013430" <= character <= "\U0001343f"
    return category in ("Cc", "Cs", "Zl", "Zp")


@given(ANY_TEXT)
def test_nothing_that_drives_a_terminal_gets_through(text: str) -> None:
    assert not any(map(drives_a_terminal, safe(text)))
    assert not any(map(drives_a_terminal, safe(text, keep_newlines=True).replace("\n", "").replace("\t", "")))


def test_no_single_character_that_drives_a_terminal_gets_through() -> None:
    for code in range(0x110000):
        if drives_a_terminal(chr(code)):
            assert len(safe(chr(code))) > 1, hex(code)


@given(st.recursive(ANY_TEXT | st.none(), lambda inner: st.lists(inner) | st.dictionaries(ANY_TEXT, inner)))
def test_safe_json_is_the_same_json(value: object) -> None:
    text = safe_json(json.dumps(value, ensure_ascii=False, indent=2))
    assert json.loads(text) == json.loads(json.dumps(value))
    assert not any(map(drives_a_terminal, text.replace("\n", "")))


SECRET = 's3cr/t+p"ä ?~'


def forms_of(secret: str) -> dict[str, str]:
    """The forms that sinks meet, made here by other means than the scrubber's where there are any."""
    data = secret.encode("utf-8", "surrogatepass")
    forms = {
        "raw": secret,
        "json": json.dumps(secret)[1:-1],
        "json unicode": json.dumps(secret, ensure_ascii=False)[1:-1],
        "json php": json.dumps(secret)[1:-1].replace("/", "\\/"),
        "json in json": json.dumps(json.dumps(secret))[3:-3],
        "json in ascii json": json.dumps(json.dumps(secret, ensure_ascii=False))[3:-3],
        "quote": quote(data, safe=""),
        "quote path": quote(data),
        "quote plus": quote_plus(data),
        "quote lower": "".join(c if c.isascii() and c.isalnum() else quote_lower(c) for c in secret),
        "repr": repr(secret)[1:-1],
        "shown": safe(secret),
    }
    if secret.isascii():
        forms["every character escaped"] = "".join(f"\\u{ord(c):04x}" for c in secret)
        forms["every character escaped, upper"] = "".join(f"\\u{ord(c):04X}" for c in secret)
    for before in range(4):
        for after in range(4):
            basic = b"u" * before + data + b"v" * after
            forms[f"base64 {before} {after}"] = base64.b64encode(basic).decode()
            forms[f"base64 bare {before} {after}"] = base64.b64encode(basic).decode().rstrip("=")
            forms[f"base64 url {before} {after}"] = base64.urlsafe_b64encode(basic).decode()
            forms[f"base64 in url {before} {after}"] = quote_plus(base64.b64encode(basic))
    return forms


def quote_lower(character: str) -> str:
    return "".join(f"%{byte:02x}" for byte in character.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("form", forms_of(SECRET))
def test_a_secret_is_hidden_however_it_is_written(form: str) -> None:
    register_secret(SECRET)
    written = forms_of(SECRET)[form]
    shown = scrub(f"before <{written}> after")
    assert "***" in shown
    assert written not in shown
    assert shown.startswith("before <")
    assert shown.endswith("> after")


SECRETS = st.text(st.characters(codec="utf-8"), min_size=4, max_size=40).filter(
    lambda text: text == text.strip() and "***" not in text
)


@given(secrets=st.lists(SECRETS, min_size=1, max_size=3), before=st.text(), after=st.text(), data=st.data())
@example(secrets=["aa**"], before="a", after="**", data=None)
def test_no_form_of_any_secret_is_left(
    secrets: list[str], before: str, after: str, data: st.DataObject | None
) -> None:
    forget_secrets()
    for secret in secrets:
        register_secret(secret)
    written = [form for secret in secrets for form in forms_of(secret).values()]
    chosen = data.draw(st.sampled_from(written)) if data else secrets[0]
    shown = scrub(before + chosen + after)
    for secret in secrets:
        for name, form in forms_of(secret).items():
            if not name.startswith("base64") or name.endswith(" 0 0"):
                assert form not in shown, name


def test_basic_credentials_are_hidden_whole() -> None:
    register_secret("hunter2!")
    for user in ("", "a", "al", "ali", "alice"):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            assert "aHVudGVy" not in scrub(
                f"Authorization: Basic {encode(f'{user}:hunter2!'.encode()).decode()}"
            )
    assert scrub(f"Basic {base64.b64encode(b'hunter2!').decode()}") == "Basic ***="
    assert scrub("curl -u alice:hunter2! x") == "curl -u alice:*** x"
    assert scrub(urlencode({"password": "hunter2!"})) == "password=***"


def test_credentials_quoted_before_they_are_encoded_are_hidden() -> None:
    register_secret("a+b/c d")
    for quoting in (quote, quote_plus):
        assert "***" in scrub(base64.b64encode(f"client:{quoting('a+b/c d', safe='')}".encode()).decode())


def test_a_guid_is_hidden_in_either_case() -> None:
    register_secret("3f2504e0-4f89-11d3-9a0c-0305e82c3301")
    assert scrub("key 3F2504E0-4F89-11D3-9A0C-0305E82C3301!") == "key ***!"


def test_secrets_that_overlap_leave_nothing_between_them() -> None:
    for secret in ("abcdef", "defghi", "cdef"):
        register_secret(secret)
    assert scrub("xabcdefghix abcdefabcdef") == "x***x ******"


def test_a_long_token_is_hidden() -> None:
    token = ".".join(base64.urlsafe_b64encode(bytes(range(256)) * 3).decode() for _ in range(3))
    register_secret(token)
    assert scrub(f"Bearer {token}") == "Bearer ***"


def test_what_is_too_short_or_unregistered_stays() -> None:
    register_secret("abc")
    register_secret("  ab  ")
    assert scrub("abc ab") == "abc ab"
    register_secret("abcd\n")
    assert scrub("abcd") == "***"
    forget_secrets()
    assert scrub("abcd") == "abcd"


def test_a_passing_secret_is_known_to_all_threads_until_its_end() -> None:
    inside, outside = "passing-1", "lasting-2"
    register_secret(outside)
    with passing_secrets():
        register_secret(inside, passing=True)
        register_secret(outside, passing=True)  # known for longer already
        with ThreadPoolExecutor(1) as other:
            assert other.submit(scrub, f"{inside} {outside}").result() == "*** ***"
    assert scrub(f"{inside} {outside}") == f"{inside} ***"
    register_secret(inside, passing=True)  # within nothing, so for good
    assert scrub(inside) == "***"


def test_a_secret_that_two_threads_hold_is_known_until_both_have_done() -> None:
    both_know, one_ended = threading.Barrier(2), threading.Event()

    def first() -> None:
        with passing_secrets():
            register_secret("the-same", passing=True)
            both_know.wait(10)
        one_ended.set()

    def second() -> str:
        with passing_secrets():
            register_secret("the-same", passing=True)
            both_know.wait(10)
            assert one_ended.wait(10)
            return scrub("the-same")

    with ThreadPoolExecutor(2) as threads:
        shown = [threads.submit(each) for each in (first, second)][1].result()
    assert (shown, scrub("the-same")) == ("***", "the-same")
