"""A provider on loopback: answers in every wire shape, and keeps what arrives."""

from __future__ import annotations

import json
import socket
import socketserver
import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

ANSWER = "hello from upstream"
KEY_HEADERS = ("x-api-key", "authorization", "x-goog-api-key", "api-key", "proxy-authorization")
_JSON, _EVENTS = "application/json", "text/event-stream"
_USAGE = {"prompt_tokens": 1, "completion_tokens": 4, "total_tokens": 5}


@dataclass(frozen=True)
class Request:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = field(default=b"", repr=False)

    @property
    def keys(self) -> dict[str, str]:
        """Every header (and `?key=`) that may carry a key."""
        found = {name: self.headers[name] for name in KEY_HEADERS if name in self.headers}
        query = parse_qs(urlsplit(self.path).query).get("key")
        return found | {"?key": query[0]} if query else found

    def holds(self, text: str) -> bool:
        """Whether the text is anywhere in the request."""
        return text in self.path or text.encode() in self.body or any(text in value for value in self.headers.values())


class Upstream:
    """A listener on a free loopback port; `requests` grows as they arrive, `errors` as greetings go wrong."""

    def __init__(self, address: str = "") -> None:
        self.requests: list[Request] = []
        self.errors: list[str] = []
        self._server = self._bound(address)
        self._server.owner = self
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _bound(self, address: str) -> _Server:
        return _Server(("127.0.0.1", 0), _Handler)

    @property
    def asked(self) -> list[Request]:
        """The requests that ask a model for an answer."""
        ends = ("/messages", "/responses", "/chat/completions", "generateContent", "GenerateContent")
        return [request for request in self.requests if urlsplit(request.path).path.endswith(ends)]


class UnixUpstream(Upstream):
    """The same on a Unix socket, for settings that name one."""

    def _bound(self, address: str) -> _Server:
        return _UnixServer(address, _Handler)  # type: ignore[arg-type]  # the stubs know only the internet


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    owner: Upstream

    def handle_error(self, request: object, client_address: object) -> None:
        """A greeting in TLS, or a broken connection: contact all the same."""
        self.owner.errors.append(repr(sys.exc_info()[1]))


class _UnixServer(_Server):
    address_family = socket.AF_UNIX
    server_port = 0

    def server_bind(self) -> None:
        """Binds without asking for a host's name."""
        socketserver.TCPServer.server_bind(self)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def _handle(self) -> None:
        body = self._chunks() if self.headers.get("transfer-encoding") else self._length()
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.owner.requests.append(Request(self.command, self.path, headers, body))
        refused = self.command == "CONNECT" or "upgrade" in headers
        kind, data = ("text/plain", b"not here") if refused else _answer(self.path, body)
        self.send_response(404 if refused else 200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def __getattr__(self, name: str) -> Callable[[], None]:
        if name.startswith("do_"):
            return self._handle
        raise AttributeError(name)

    def _length(self) -> bytes:
        return self.rfile.read(int(self.headers.get("content-length") or 0))

    def _chunks(self) -> bytes:
        body = b""
        while size := int(self.rfile.readline().split(b";")[0] or b"0", 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the base class
        """Says nothing."""


def _answer(path: str, body: bytes) -> tuple[str, bytes]:
    """The answer (content type, body) for a request, in the shape that its path shows."""
    route = urlsplit(path).path.rstrip("/")
    asked = _object(body)
    model, stream = str(asked.get("model", "test-model")), bool(asked.get("stream"))
    if route.endswith("/messages"):
        return _as(stream, _messages(model), _message_events(model))
    if route.endswith("/responses"):
        return _as(stream, _response(model), _response_events(model))
    if route.endswith("/chat/completions"):
        return _as(stream, _completion(model), _completion_events(model))
    if route.endswith(("GenerateContent", ":generateContent")):
        return _as(route.endswith(":streamGenerateContent"), _candidates(), [_candidates()])
    if route.endswith("/models"):
        models = [{"id": "test-model", "object": "model", "type": "model", "display_name": "Test"}]
        return _as(False, {"object": "list", "data": models}, [])  # noqa: FBT003 - says what it is
    return _JSON, b'{"input_tokens": 1, "totalTokens": 1}'


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _as(stream: object, whole: dict[str, Any], events: list[dict[str, Any]]) -> tuple[str, bytes]:
    if not stream:
        return _JSON, json.dumps(whole).encode()
    named = ((f"event: {event['type']}\n" if "type" in event else "", json.dumps(event)) for event in events)
    end = "data: [DONE]\n\n" if events[0].get("object") == "chat.completion.chunk" else ""
    return _EVENTS, ("".join(f"{name}data: {text}\n\n" for name, text in named) + end).encode()


def _messages(model: str) -> dict[str, Any]:
    return _message(model) | {"content": [{"type": "text", "text": ANSWER}], "stop_reason": "end_turn"}


def _message(model: str) -> dict[str, Any]:
    usage = {"input_tokens": 1, "output_tokens": 1}
    said: dict[str, Any] = {"content": [], "stop_reason": None, "stop_sequence": None, "usage": usage}
    return {"id": "msg_1", "type": "message", "role": "assistant", "model": model, **said}


def _message_events(model: str) -> list[dict[str, Any]]:
    end = {"stop_reason": "end_turn", "stop_sequence": None}
    return [
        {"type": "message_start", "message": _message(model)},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": ANSWER}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": end, "usage": {"output_tokens": 4}},
        {"type": "message_stop"},
    ]


def _response(model: str) -> dict[str, Any]:
    details = {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
    usage = {"input_tokens": 1, "output_tokens": 4, "total_tokens": 5, **details}
    front = {"id": "resp_1", "object": "response", "created_at": 1_700_000_000, "model": model, "error": None}
    return {**front, "status": "completed", "output": [_item()], "usage": usage, "incomplete_details": None}


def _item() -> dict[str, Any]:
    content = [{"type": "output_text", "text": ANSWER, "annotations": []}]
    return {"id": "item_1", "type": "message", "role": "assistant", "status": "completed", "content": content}


def _response_events(model: str) -> list[dict[str, Any]]:
    begun = _response(model) | {"status": "in_progress", "output": [], "usage": None}
    empty = _item() | {"status": "in_progress", "content": []}
    where = {"item_id": "item_1", "output_index": 0, "content_index": 0}
    part = {"type": "output_text", "text": "", "annotations": []}
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": begun},
        {"type": "response.in_progress", "response": begun},
        {"type": "response.output_item.added", "output_index": 0, "item": empty},
        {"type": "response.content_part.added", **where, "part": part},
        {"type": "response.output_text.delta", **where, "delta": ANSWER, "logprobs": []},
        {"type": "response.output_text.done", **where, "text": ANSWER, "logprobs": []},
        {"type": "response.content_part.done", **where, "part": part | {"text": ANSWER}},
        {"type": "response.output_item.done", "output_index": 0, "item": _item()},
        {"type": "response.completed", "response": _response(model)},
    ]
    return [event | {"sequence_number": number} for number, event in enumerate(events)]


def _completion(model: str) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": ANSWER}, "finish_reason": "stop"}
    return {**_chat(model), "object": "chat.completion", "choices": [choice], "usage": _USAGE}


def _chat(model: str) -> dict[str, Any]:
    return {"id": "chat_1", "created": 1_700_000_000, "model": model}


def _completion_events(model: str) -> list[dict[str, Any]]:
    chunk = {**_chat(model), "object": "chat.completion.chunk"}
    said = {"index": 0, "delta": {"role": "assistant", "content": ANSWER}, "finish_reason": None}
    end = {"index": 0, "delta": {}, "finish_reason": "stop"}
    return [chunk | {"choices": [said]}, chunk | {"choices": [end], "usage": _USAGE}]


def _candidates() -> dict[str, Any]:
    candidate = {"content": {"role": "model", "parts": [{"text": ANSWER}]}, "finishReason": "STOP", "index": 0}
    usage = {"promptTokenCount": 1, "candidatesTokenCount": 4, "totalTokenCount": 5}
    return {"candidates": [candidate], "usageMetadata": usage}
