"""Browsers, other hosts' names, and tokens where they do not belong, against a running daemon."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from ringlet_py.daemon.strangers import Strangers

if TYPE_CHECKING:
    from tests.daemon.running import RealDaemon


def asked(daemon: RealDaemon, *lines: str, target: str = "/health", method: str = "GET") -> int:
    """The status for a request of just these header lines; PORT stands for the daemon's."""
    text = "\r\n".join([f"{method} {target} HTTP/1.1", *lines, "Connection: close", "", ""])
    raw = daemon.raw(text.replace("PORT", str(daemon.port)).encode())
    assert b"\r\ncache-control: no-store\r\n" in raw
    assert b"access-control" not in raw.lower()
    return int(raw.split()[1])


@pytest.mark.parametrize("host", ["127.0.0.1:PORT", "localhost:PORT", "[::1]:PORT", "LocalHost:PORT"])
def test_its_own_names_are_answered(shared_daemon: RealDaemon, host: str):
    assert asked(shared_daemon, f"Host: {host}") == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:PORT",
        "localhost.evil.example:PORT",
        "127.0.0.1.nip.io:PORT",
        "localhost",
        "127.0.0.1",
        "localhost:1",
        "0.0.0.0:PORT",
        "127.1:PORT",
        "2130706433:PORT",
        "[::]:PORT",
        "::1:PORT",
        "localhost:PORT, evil.example",
        "localhost.:PORT",
        "me@localhost:PORT",
        "ringlet",
        "",
    ],
)
def test_any_other_name_is_not_its_own(shared_daemon: RealDaemon, host: str):
    assert asked(shared_daemon, f"Host: {host}") == 421


def test_there_must_be_one_host_and_no_other(shared_daemon: RealDaemon):
    assert asked(shared_daemon) == 421
    assert asked(shared_daemon, "Host: localhost:PORT", "Host: localhost:PORT") == 421
    assert asked(shared_daemon, "Host: localhost:PORT", "Host: evil.example") == 421


def test_requests_of_the_oldest_kinds_name_no_host_and_are_refused(shared_daemon: RealDaemon):
    assert shared_daemon.raw(b"GET /health HTTP/1.0\r\n\r\n").split()[1] == b"421"
    assert b"421" in shared_daemon.raw(b"GET /health\r\n\r\n")


@pytest.mark.parametrize("host", ["localhost", "ringlet"])
def test_the_socket_has_names_of_its_own(shared_daemon: RealDaemon, host: str):
    assert shared_daemon.request("GET", "/health", unix=True, headers={"Host": host}).status == 200


def test_the_socket_does_not_answer_to_others(shared_daemon: RealDaemon):
    for unix, host in ((True, "localhost"), (False, f"localhost:{shared_daemon.port}")):
        answer = shared_daemon.request("GET", "/health", unix=unix, headers={"Host": "evil.example"})
        assert (answer.status, answer.json["why"]) == (421, f"the header Host is not {host}")


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("http://localhost:PORT/health", 200),
        ("http://evil.example/health", 421),
        ("http://evil.example:PORT/health", 421),
        ("https://localhost:PORT/health", 421),
        ("http://localhost/health", 421),
        ("http://127.0.0.1:PORT/health", 421),
        ("http://me@localhost:PORT/health", 421),
        ("//evil.example/health", 404),
    ],
)
def test_a_whole_address_as_target_must_be_that_of_the_host(shared_daemon: RealDaemon, target: str, status: int):
    assert asked(shared_daemon, "Host: localhost:PORT", target=target) == status


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:PORT", ""])
def test_whatever_a_page_asks_is_refused(shared_daemon: RealDaemon, origin: str):
    assert asked(shared_daemon, "Host: localhost:PORT", f"Origin: {origin}") == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site", "same-origin", "whatever"])
def test_a_browser_that_was_sent_by_a_page_is_refused(shared_daemon: RealDaemon, site: str):
    assert asked(shared_daemon, "Host: localhost:PORT", f"Sec-Fetch-Site: {site}") == 403


def test_what_a_person_typed_into_a_browser_is_answered(shared_daemon: RealDaemon):
    assert asked(shared_daemon, "Host: localhost:PORT", "Sec-Fetch-Site: none") == 200


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "HEAD", "PROPFIND", "PUT"])
def test_a_method_that_is_not_there_is_told_so(shared_daemon: RealDaemon, method: str):
    assert asked(shared_daemon, "Host: localhost:PORT", target="/key", method=method) == 405


def test_asking_beforehand_whether_a_page_may_ask_gets_no_leave(shared_daemon: RealDaemon):
    lines = ("Host: localhost:PORT", "Access-Control-Request-Method: GET")

    assert asked(shared_daemon, *lines, method="OPTIONS") == 405


def test_whether_it_lives_can_be_asked_without_a_body(shared_daemon: RealDaemon):
    answer = shared_daemon.request("HEAD", "/health")

    assert (answer.status, answer.raw) == (200, b"")


@pytest.mark.parametrize("query", ["token=x", "a=b&access_token=x", "%74oken=x", "KEY=x", "Authorization=x", "key"])
def test_a_token_in_an_address_is_refused_even_if_it_is_right(shared_daemon: RealDaemon, query: str):
    answer = shared_daemon.request("GET", f"/health?{query}", token=shared_daemon.admin)

    assert answer.status == 400
    assert answer.json["code"] == "usage"


def test_an_unknown_path_is_told_as_json(shared_daemon: RealDaemon):
    answer = shared_daemon.request("GET", "/nothing")

    assert answer.status == 404
    assert answer.json["code"] == "not-found"
    assert answer.headers["content-type"] == "application/json"


def test_nothing_sends_a_program_and_its_token_elsewhere(shared_daemon: RealDaemon):
    assert shared_daemon.request("GET", "/health/").status == 404
    assert shared_daemon.request("GET", "//health").status == 404


def test_what_it_is_made_of_is_not_told(shared_daemon: RealDaemon):
    assert "server" not in shared_daemon.request("GET", "/health").headers


def test_an_unexpected_error_is_told_by_its_kind_alone():
    said: list[str] = []

    async def broken(*_: Any) -> None:
        raise ValueError("sk-secret")

    sent = run(Strangers(broken, port=8765, say=said.append))

    assert sent == []  # the application's own handler has answered already
    assert said == ["ringlet: error: a request failed: ValueError"]


def test_a_request_that_is_cut_off_by_the_end_is_told_so():
    async def attempt() -> list[Any]:
        sent: list[Any] = []
        begun = asyncio.Event()

        async def waiting(*_: Any) -> None:
            begun.set()
            await asyncio.sleep(60)

        task = asyncio.create_task(call(Strangers(waiting, port=8765, say=print), sent))
        await begun.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()
        return sent

    assert asyncio.run(attempt())[0]["status"] == 503


def run(application: Strangers) -> list[Any]:
    sent: list[Any] = []
    asyncio.run(call(application, sent))
    return sent


async def call(application: Strangers, sent: list[Any]) -> None:
    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/key",
        "query_string": b"",
        "client": ("127.0.0.1", 1),
        "headers": [(b"host", b"localhost:8765")],
    }
    await application(scope, receive, send)
