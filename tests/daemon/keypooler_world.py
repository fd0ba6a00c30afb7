"""The daemon's application over a real home, called as a client calls it, without a socket between."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ringlet_py.app import App
from ringlet_py.audit.reading import find
from ringlet_py.catalog import Catalog
from ringlet_py.daemon.asgi import asgi
from ringlet_py.daemon.parts import Daemon
from ringlet_py.testing import FakeClock
from tests.daemon import conformance
from tests.end_to_end.program import FILE_BACKEND, Home

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.redis_server import RedisProcess

JSON = "application/json"
CATALOG = Catalog("/nowhere")  # read once, since that takes longer than most tests
SEALED = '[credentials]\nbackend = "sealed"\n\n[sealed]\nmaster-key = "file"\n'


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        assert self.headers["content-type"] == JSON
        return json.loads(self.body)


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    token: str = ""
    query: str = ""
    body: bytes = b""
    content_type: str = JSON


class RunningClock(FakeClock):
    """The real time, which a ledger on a server goes by; turned forward it is ringlet's alone."""

    def __init__(self) -> None:
        super().__init__(0.0)

    def __call__(self) -> float:
        return time.time() + self.now


class World:
    """A home with its daemon; `admin` is the admin token's text."""

    def __init__(self, folder: Path, config: str = FILE_BACKEND, *, clock: FakeClock | None = None) -> None:
        self.home = Home.at(folder / "home", config)
        self.clock = clock or FakeClock()
        self.app = App(self.home.environ, clock=self.clock, hold=True)
        self.app.catalog = CATALOG
        self.daemon = Daemon(self.app)
        self.application = asgi(self.daemon)
        self.asgi = self.application
        self.admin = self.app.tokens.admin.ensure().reveal()

    def close(self) -> None:
        self.daemon.close()

    def let_pass(self, seconds: float) -> None:
        """Time for the ledger too: where that is on a server, it has to be waited for."""
        if isinstance(self.clock, RunningClock):
            time.sleep(seconds)
        else:
            self.clock.advance(seconds)

    def ask(self, method: str, path: str, body: object = None, *, token: str | None = None, **query: str) -> Answer:
        """The answer to one request, in the admin's name unless a token is given."""
        raw = b"" if body is None else json.dumps(body).encode()
        said = "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items())
        asked = Asked(method, path, token=self.admin if token is None else token, query=said, body=raw)
        return self.ask_all([asked])[0]

    def ask_all(self, asked: Sequence[Asked]) -> list[Answer]:
        """The answers to requests that come at once."""

        async def together() -> list[Answer]:
            return await asyncio.gather(*map(self._answered, asked))

        return asyncio.run(together())

    def key(self, *, token: str | None = None, **query: str) -> Answer:
        return self.ask("GET", "/key", token=token, **query)

    def add_tier(self, name: str = "pro", **features: object) -> Answer:
        return self.ask("POST", "/admin/tiers", {"name": name, "features": features or {"image": 100}})

    def add_key(self, name: str = "k1", *, tier: str = "pro", **more: object) -> Answer:
        given = {"name": name, "key": f"made-up-value-{name}", "tier": tier, **more}
        return self.ask("POST", "/admin/keys", given)

    def key_id(self, name: str = "k1") -> str:
        return next(str(each["id"]) for each in self.ask("GET", "/admin/keys").json if each["name"] == name)

    def consumer(self, *tiers: str, name: str = "bot") -> tuple[str, str]:
        """Id and token of a new consumer with these scopes."""
        made = self.ask("POST", "/admin/consumers", {"name": name}).json
        for tier in tiers:
            assert self.ask("POST", f"/admin/consumers/{made['id']}/scopes", {"tier": tier}).status == 201
        return made["id"], made["token"]

    def records(self) -> list[dict[str, Any]]:
        return list(find(self.app.folders.state))

    async def _answered(self, asked: Asked) -> Answer:
        headers = [(b"content-type", asked.content_type.encode())] if asked.body else []
        if asked.token:
            headers.append((b"authorization", f"Bearer {asked.token}".encode()))
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": asked.method,
            "scheme": "http",
            "path": asked.path,
            "raw_path": asked.path.encode(),
            "query_string": asked.query.encode(),
            "headers": headers,
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8765),
        }
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": asked.body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.asgi(scope, receive, send)
        found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        answer = Answer(sent[0]["status"], found, b"".join(each.get("body", b"") for each in sent[1:]))
        conformance.check(asked.method, asked.path, answer.status, answer.headers, answer.body)
        return answer


def world_on(process: RedisProcess, folder: Path, *, store: str) -> World:
    """A world in that folder whose ledger is that store on the server."""
    ledger = f'[ledger]\nurl = "{process.unix_url}"\nprefix = "{store}"\n'
    return World(folder, FILE_BACKEND + ledger, clock=RunningClock())
