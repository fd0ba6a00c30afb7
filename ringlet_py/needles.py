"""What a value looks like where it lies about: as text with or without escapes, in base64, in hex, in UTF-16."""

from __future__ import annotations

import base64
import json
import re
import string
import urllib.parse
from dataclasses import dataclass
from itertools import chain, product

PIECE = 39  # bytes; longer anchors make the search no faster
_SHORT = 8  # a run of fewer characters is found everywhere
# what programs leave as it is in URLs: JavaScript's two functions, Python's default, and the strict ones
_LEFT = ("", "/", "!~*'()", ";,/?:@&=+$!~*'()#")
_BARE = re.compile(r"[A-Za-z0-9._~-]+")  # what neither URLs nor JSON ever escape
_LETTERED = re.compile("%(?:[0-9][A-F]|[A-F][0-9A-F])")  # codes that are written in two ways
_MOST_LETTERED = 5  # of one anchor, which is there in each of their mixtures
# what programs escape in JSON beyond what it asks for: Go and Django, PHP, Gson; and .NET, whose digits are large
_BEYOND = (re.compile("[<>&]"), re.compile("[<>&']"), re.compile("[<>&'=]"))
_NET = re.compile("[<>&'+`]|[^\x00-\x7f]")
FOLD = rb"(?:\r?\n|\\{1,7}n|\\{1,7}r\\{1,7}n)[ \t]{0,16}"  # where a long line was broken, in JSON too
_FOLD = 40  # bytes that such a break and its indentation may have
_NARROWEST = 60  # characters: what `xxd -p` folds at; base64 does at 64 or 76
_STANDARD = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/"
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


@dataclass(frozen=True, kw_only=True)
class Needle:
    """One form of a value.

    `pattern` matches exactly its occurrences (with `folds`, those that are broken over lines too, once the breaks are
    taken out); each of them holds one of the `anchors` in one piece, and has at most `reach` bytes.  Without a `form`
    it depends on the occurrence.
    """

    pattern: bytes
    folds: bool = False
    anchors: tuple[bytes, ...]
    reach: int
    form: str = ""
    plain: bytes = b""

    def form_of(self, occurrence: bytes) -> str:
        """Plain, URL, JSON, base64, hex or UTF-16."""
        if self.form:
            return self.form
        if occurrence == self.plain:
            return "plain"
        return "JSON" if b"\\" in occurrence else "URL"

    def __repr__(self) -> str:
        return "Needle(***)"


def needles_of(value: str) -> tuple[Needle, ...]:
    """The forms in which the value is looked for; there is none other in which it is found."""
    raw = value.encode()
    return (_text(value), _wide(value), *(_base64(raw, before) for before in range(3)), _hex(raw))


def _text(value: str) -> Needle:
    raw = value.encode()
    run = max(_BARE.findall(value), key=len, default="").encode()[-PIECE:]
    anchors = (run,) if len(run) >= _SHORT else _unique([text[-PIECE:] for text in _as_encoders_write(value)])
    reach = sum(1 if _BARE.match(c) else 28 for c in value)  # `\\\\\\\u0000` twice, for what is outside the plane
    return Needle(pattern=b"".join(map(_escaped, value)), anchors=anchors, reach=reach, plain=raw)


def _as_encoders_write(value: str) -> list[bytes]:
    """The whole value as usual programs escape it, for one that has no longer run of what nobody escapes."""
    quoted = [urllib.parse.quote(value, safe=safe) for safe in _LEFT]
    mixed = [text for whole in quoted for text in _mixtures(whole)]
    in_json = [json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]]
    codes = [(characters, large) for characters in _BEYOND for large in (False, True)]
    for_html = [_as_codes(characters, text, large=large) for characters, large in codes for text in in_json]
    net = _as_codes(_NET, in_json[1].replace('\\"', "\\u0022"), large=True)
    with_slashes = [text.replace("/", "\\/") for text in (*in_json, *for_html)]
    return [text.encode() for text in (value, *mixed, *in_json, *for_html, net, *with_slashes)]


def _as_codes(characters: re.Pattern[str], text: str, *, large: bool) -> str:
    """The text with these characters as JSON's codes."""

    def code(found: re.Match[str]) -> str:
        units = found[0].encode("utf-16-be").hex()
        digits = units.upper() if large else units
        return "".join(f"\\u{digits[place : place + 4]}" for place in range(0, len(digits), 4))

    return characters.sub(code, text)


def _mixtures(text: str) -> list[str]:
    """The end of what is written for a URL, in all ways in which the digits of its codes can be large and small."""
    text = text[_start_of_end(text) :]
    pieces, between = _LETTERED.findall(text), _LETTERED.split(text)
    ways = product(*((piece, piece.lower()) for piece in pieces))
    return ["".join(chain.from_iterable(zip(between, (*way, ""), strict=True))) for way in ways]


def _start_of_end(text: str) -> int:
    """Where the last piece begins that is no longer than an anchor, and has not too many codes in two ways."""
    codes = [found.end() for found in _LETTERED.finditer(text)]
    least = codes[-_MOST_LETTERED - 1] if len(codes) > _MOST_LETTERED else 0
    start = max(least, len(text) - PIECE)
    within = text.rfind("%", max(start - 2, 0), start)
    return within + 3 if within >= 0 else start


def _escaped(character: str) -> bytes:
    """The character as it is, and as URLs and JSON (inside JSON, and again) have it."""
    plain = re.escape(character.encode())
    if _BARE.match(character):
        return plain
    percent = b"".join(b"%%%02x" % byte for byte in character.encode())
    wide = character.encode("utf-16-be")
    units = b"".join(rb"\\{1,7}u%02x%02x" % (wide[n], wide[n + 1]) for n in range(0, len(wide), 2))
    return rb"(?:\\{0,7}%s|(?i:%s)|(?i:%s))" % (plain, percent, units)


def _wide(value: str) -> Needle:
    """What Windows calls Unicode; of ASCII the same bytes stand in both byte orders."""
    raw = value.encode("utf-16-le").strip(b"\0")
    return Needle(pattern=re.escape(raw), anchors=(raw[-PIECE:],), reach=len(raw), form="UTF-16")


def _base64(raw: bytes, before: int) -> Needle:
    """The value in base64 where so many bytes (0 to 2) of its first group of three are something else's."""
    text = base64.b64encode(bytes(before) + raw + bytes(3)).decode()
    start, end = -(-8 * before // 6), 8 * (before + len(raw)) // 6
    pieces = [_either(text[place]) for place in range(start, end)]
    shared_before, shared_after = 6 * start - 8 * before, 8 * (before + len(raw)) - 6 * end
    if shared_before:
        pieces.insert(0, _sharing(text[start - 1], (1 << shared_before) - 1))
    if shared_after:
        pieces.append(_sharing(text[end], 0x3F & ~((1 << 6 - shared_after) - 1)))
    halves = _halves(text[start:end].encode())
    anchors = _unique((*halves, *(half.translate(_URL_SAFE) for half in halves)))
    return _over_lines(pieces, anchors, "base64")


def _either(character: str) -> bytes:
    """A character of base64 in both of its alphabets."""
    return {"+": b"[+-]", "/": b"[/_]"}.get(character, character.encode())


def _sharing(character: str, bits: int) -> bytes:
    """Every character of base64 that has these bits as this one has them; the others are of what stands beside."""
    known = _STANDARD.index(character) & bits
    return (
        b"[%s]"
        % re.escape(
            "".join(
                other + {"+": "-", "/": "_"}.get(other, "")
                for place, other in enumerate(_STANDARD)
                if place & bits == known
            )
        ).encode()
    )


def _hex(raw: bytes) -> Needle:
    text = raw.hex()
    pieces = [f"[{c}{c.upper()}]".encode() if c.isalpha() else c.encode() for c in text]
    halves = [*_halves(text.encode()), *_halves(text.upper().encode())]
    return _over_lines(pieces, _unique(halves), "hex")


def _over_lines(pieces: list[bytes], anchors: tuple[bytes, ...], form: str) -> Needle:
    reach = len(pieces) + _FOLD * (2 + len(pieces) // _NARROWEST)
    return Needle(pattern=b"".join(pieces), folds=True, anchors=anchors, reach=reach, form=form)


def _halves(text: bytes) -> tuple[bytes, bytes]:
    """Two neighbouring pieces, of which the break of a line leaves one whole."""
    size = min(PIECE, len(text) // 2, _NARROWEST // 2)
    return text[-2 * size : -size], text[-size:]


def _unique(anchors: tuple[bytes, ...] | list[bytes]) -> tuple[bytes, ...]:
    return tuple(dict.fromkeys(anchors))
