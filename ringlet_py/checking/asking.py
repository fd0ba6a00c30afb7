"""One GET request with a key in its header: no redirects, no proxies, bounded in time and size."""

from __future__ import annotations

import http.client
import queue
import ssl
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ringlet_py import __version__

if TYPE_CHECKING:
    from ringlet_py.secret import Secret

PATIENCE = 15.0  # seconds for everything, the look-up of the host's name included
LARGEST = 4 * 1024 * 1024  # bytes of an answer; some list hundreds of models
_PIECE = 64 * 1024
ANTHROPIC_VERSION = "2023-06-01"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back: the status and the body, or the `problem` in our own words; never what a server wrote."""

    status: int = 0
    body: bytes = b""
    problem: str = ""


def ask(
    url: str,
    shape: str,
    secret: Secret,
    *,
    context: ssl.SSLContext | None = None,
    patience: float = PATIENCE,
) -> Answer:
    """The answer to a GET of that checked URL, with the key in the header that the wire shape has for it.

    `context` says whom to trust (None: whom the system trusts), `patience` is in seconds.
    """
    answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()
    late = threading.Event()

    def work() -> None:
        answers.put(_answer(url, headers(shape, secret), context or trusting(), patience, late))

    # a thread, since neither looking up a name nor a server that sends a byte now and then knows an end
    threading.Thread(target=work, daemon=True).start()
    try:
        return answers.get(timeout=patience)
    except queue.Empty:
        late.set()
        return Answer(problem=f"there was no answer within {patience:g} seconds")


def headers(shape: str, secret: Secret) -> dict[str, str]:
    """The headers of a request in that wire shape."""
    common = {"Accept": "application/json", "User-Agent": f"ringlet/{__version__}", "Connection": "close"}
    if shape.startswith("anthropic"):
        common["anthropic-version"] = ANTHROPIC_VERSION
    if shape == "anthropic":
        return common | {"x-api-key": secret.reveal()}
    if shape == "gemini":
        return common | {"x-goog-api-key": secret.reveal()}
    return common | {"Authorization": f"Bearer {secret.reveal()}"}


def trusting() -> ssl.SSLContext:
    """Whom the system trusts.

    Not `create_default_context`: that writes the connection's keys to SSLKEYLOGFILE, if the environment has it.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_default_certs()
    return context


def _answer(url: str, sent: dict[str, str], context: ssl.SSLContext, patience: float, late: threading.Event) -> Answer:
    try:
        return _exchanged(url, sent, _connection(url, context, patience), late)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return Answer(problem=_problem(error, patience))


def _problem(error: Exception, patience: float) -> str:
    """Never the exception's own text: some hold what was sent, or what came."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not to be trusted ({error.verify_message.rstrip('.')})"
    if isinstance(error, ssl.SSLError):
        return "no secure connection to it can be made"
    if isinstance(error, TimeoutError):
        return f"there was no answer within {patience:g} seconds"
    if isinstance(error, http.client.HTTPException):
        return "what it answers is not HTTP"
    return getattr(error, "strerror", "") or "it cannot be asked"


def _exchanged(url: str, sent: dict[str, str], connection: http.client.HTTPConnection, late: threading.Event) -> Answer:
    try:
        parts = urlsplit(url)
        connection.request("GET", f"{parts.path}?{parts.query}" if parts.query else parts.path, headers=sent)
        response = connection.getresponse()
        body = _body(response, late)
    finally:
        connection.close()
    return Answer(status=response.status, body=body if len(body) <= LARGEST else b"")


def _body(response: http.client.HTTPResponse, late: threading.Event) -> bytes:
    """The body, or a little more than the LARGEST; what nobody waits for any more is not read to its end.

    Piece by piece: `read` keeps an object for each chunk, and a chunk may be one byte.
    """
    body = bytearray()
    while len(body) <= LARGEST and not late.is_set():
        piece = response.read1(_PIECE)
        if not piece:
            break
        body += piece
    return bytes(body)


def _connection(url: str, context: ssl.SSLContext, patience: float) -> http.client.HTTPConnection:
    """Without TLS to this machine alone, which checking the URL has seen to."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "https":
        return http.client.HTTPSConnection(host, parts.port, timeout=patience, context=context)
    return http.client.HTTPConnection(host, parts.port, timeout=patience)
