"""Whole answers as the bytes of HTTP: for who is turned away before there is a request, and for who is in a hurry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from ringlet_py.daemon.answers import ALWAYS, JSON

if TYPE_CHECKING:
    from collections.abc import Iterable

_JSON = b"content-type: application/json\r\ncache-control: no-store\r\n"
_CLOSE = b"connection: close\r\n"


def plain_answer(status: int, what: str, *, code: str = "usage") -> bytes:
    """That it is refused, after which the connection ends."""
    body = b'{"error":"%s","code":"%s","why":"","hint":""}' % (what.encode("ascii"), code.encode("ascii"))
    return _answer(STATUS_LINE[status] + _JSON + _CLOSE, body)


def head_of(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """What stands before every `ok`, with these headers too."""
    always = ((name.encode(), text.encode()) for name, text in {**ALWAYS, "content-type": JSON}.items())
    return STATUS_LINE[200] + b"".join(b"%s: %s\r\n" % header for header in (*always, *headers))


def ok(head: bytes, body: bytes, *, stays: bool) -> bytes:
    """The JSON of what went well, after what `head_of` says; `stays`: the connection waits for the next request."""
    return _answer(head if stays else head + _CLOSE, body)


def _answer(head: bytes, body: bytes) -> bytes:
    return b"%scontent-length: %d\r\n\r\n%s" % (head, len(body), body)
