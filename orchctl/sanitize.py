"""Text made fit to be shown: server text that cannot drive a terminal, and no secret in any sink."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

MASK = "***"
_SHORTEST_SECRET = 4

# C0, DEL and C1; soft hyphen, zero-width and bidi controls; line and paragraph separators; BOM; interlinear
# marks; invisible tag characters; lone surrogates. Variation selectors stay: they only choose a glyph.
_UNSAFE_RANGES = (
    "\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e007f"
)
# Left as text: compiled at first use, by re's own cache, since most runs meet no such character.
_UNSAFE = f"[\x00-\x1f{_UNSAFE_RANGES}]"
_UNSAFE_BUT_LAYOUT = f"[\x00-\x08\x0b-\x1f{_UNSAFE_RANGES}]"
_SHORT_ESCAPES = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}


def safe(text: str, *, keep_newlines: bool = False) -> str:
    """``text`` with everything that could move a cursor or reorder a line shown as an escape.

    ``keep_newlines`` lets newline and tab through.
    """
    if text.isprintable():  # never true with any character of the ranges above
        return text
    return re.sub(_UNSAFE_BUT_LAYOUT if keep_newlines else _UNSAFE, _escaped, text)


def safe_json(text: str) -> str:
    """The same for JSON text, which stays the same JSON: what its encoder leaves raw becomes ``\\uXXXX``."""
    if text.isascii() and "\x7f" not in text:
        return text
    return re.sub(_UNSAFE_BUT_LAYOUT, lambda match: _json_escape(match.group()), text)


def _escaped(match: re.Match[str]) -> str:
    character = match.group()
    if short := _SHORT_ESCAPES.get(character):
        return short
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _json_escape(text: str) -> str:
    units = text.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


class _Form(NamedTuple):
    """One way a secret may be written. Base64 may share its first and last characters with neighbours."""

    text: str
    extends_left: bool = False
    extends_right: bool = False


class _Secret:
    """A value to hide, and the ways it may be written."""

    __slots__ = ("_forms", "holders", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.holders = 1
        self._forms: tuple[_Form, ...] | None = None

    @property
    def forms(self) -> tuple[_Form, ...]:
        # Only once something is to be scrubbed: a token of 2,000 characters takes milliseconds.
        if self._forms is None:
            self._forms = _forms_of(self.text)
        return self._forms


_secrets: dict[str, _Secret] = {}  # in the order they came
_passing: dict[str, _Secret] = {}  # about as many as there are threads at work
_changing = threading.RLock()  # may be wanted once more by what a signal has its own thread say
_here = threading.local()


def register_secret(value: str, *, passing: bool = False) -> None:
    """Makes ``scrub`` hide ``value`` from now on; one that is ``passing``, to the end of ``passing_secrets``.

    Shorter than four characters would blank ordinary text.
    """
    value = value.strip()
    if len(value) < _SHORTEST_SECRET or value in _secrets:
        return
    held: set[str] | None = getattr(_here, "held", None)
    with _changing:
        if not passing or held is None:
            _secrets[value] = _Secret(value)
        elif value not in held:
            held.add(value)
            if known := _passing.get(value):
                known.holders += 1
            else:
                _passing[value] = _Secret(value)


@contextmanager
def passing_secrets() -> Iterator[None]:
    """What this thread registers as passing within is forgotten at the end: a million rows leave nothing behind."""
    _here.held = held = set[str]()
    try:
        yield
    finally:
        _here.held = None
        with _changing:
            for value in held:
                _passing[value].holders -= 1
                if not _passing[value].holders:
                    del _passing[value]


def forget_secrets() -> None:
    _secrets.clear()


def scrub(text: str) -> str:
    """``text`` with every registered secret, however encoded, replaced by ``***``."""
    while spans := sorted(_spans(text)):
        parts, kept = [], 0
        start, end = spans[0]
        for next_start, next_end in spans[1:]:
            if next_start < end:
                end = max(end, next_end)
                continue
            parts += [text[kept:start], MASK]
            kept, start, end = end, next_start, next_end
        text = "".join((*parts, text[kept:start], MASK, text[end:]))
        # Once more: a secret with stars of its own may have come together. Each round shortens the text.
    return text


def _spans(text: str) -> Iterator[tuple[int, int]]:
    with _changing:
        secrets = (*_secrets.values(), *_passing.values())
    for secret in secrets:
        for form in secret.forms:
            start = text.find(form.text)
            while start >= 0:
                end = start + len(form.text)
                first = start - 1 if form.extends_left and start and _is_base64(text[start - 1]) else start
                if form.extends_right and _is_base64(text[end : end + 1]):
                    end += 1
                yield first, end
                start = text.find(form.text, start + 1)


def _is_base64(character: str) -> bool:
    return character.isascii() and (character.isalnum() or character in "+/-_") and bool(character)


def _forms_of(secret: str) -> tuple[_Form, ...]:
    spellings = {secret}
    if re.fullmatch(r"[0-9A-Fa-f-]{32,36}", secret):  # servers echo GUIDs in the case they like
        spellings |= {secret.lower(), secret.upper()}
    forms: set[_Form] = set()
    for spelling in spellings:
        written = {spelling, safe(spelling), safe(spelling, keep_newlines=True), repr(spelling)[1:-1]}
        forms |= {_Form(text) for text in written | _url_forms(spelling) | _json_forms(spelling)}
        forms |= set(_base64_forms(spelling))
    return tuple(forms)


def _url_forms(text: str) -> set[str]:
    from urllib.parse import quote, quote_plus

    data = _utf8(text)
    forms = {quote(data, safe=kept) for kept in ("", "/", "!'()*", "!$&'()*+,/:;=?@")} | {quote_plus(data)}
    forms |= {form.replace("~", "%7E") for form in forms}  # reserved until RFC 3986
    forms.add(re.sub(rb"[^0-9A-Za-z]", lambda match: b"%%%02X" % match.group()[0], data).decode())
    return forms | {re.sub("%[0-9A-F]{2}", lambda match: match.group().lower(), form) for form in forms}


def _json_forms(text: str) -> set[str]:
    import json

    every_unit = _json_escape(text)
    forms = {json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], every_unit}
    forms |= {form.replace("/", "\\/") for form in forms}  # as PHP writes it
    forms |= _in_upper_case(forms)
    within = {form.replace("\\", "\\\\").replace('"', '\\"') for form in forms}  # JSON within JSON
    return forms | within | _in_upper_case({json.dumps(form)[1:-1] for form in forms if not form.isascii()})


def _in_upper_case(forms: set[str]) -> set[str]:
    """The same and, beside it, with the digits of its escapes as capitals."""
    capitals = {
        re.sub(r"(\\u)([0-9a-f]{4})", lambda match: match[1] + match[2].upper(), form) for form in forms
    }
    return forms | capitals


def _base64_forms(text: str) -> Iterator[_Form]:
    """The characters of base64 that ``text`` alone decides, at each of its three alignments."""
    import base64
    from urllib.parse import quote, quote_plus

    encoded = {_utf8(text), quote(_utf8(text), safe="").encode(), quote_plus(_utf8(text)).encode()}
    if all(character <= "\xff" for character in text):
        encoded.add(text.encode("latin-1"))
    for data in encoded:
        for before in range(3):
            bits = 8 * (before + len(data))
            core = base64.b64encode(bytes(before) + data).decode()[-(-8 * before // 6) : bits // 6]
            url_safe = core.replace("+", "-").replace("/", "_")
            percent = core.replace("+", "%2B").replace("/", "%2F")
            lower_percent = core.replace("+", "%2b").replace("/", "%2f")
            for form in {core, url_safe, percent, lower_percent, core.replace("/", "\\/")}:
                yield _Form(form, extends_left=before > 0, extends_right=bits % 6 > 0)


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
