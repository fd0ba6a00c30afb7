from __future__ import annotations

import threading
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

from ringlet_py import __version__
from ringlet_py.checking import asking
from ringlet_py.checking.asking import Answer, ask, headers, trusting
from ringlet_py.secret import Secret
from tests.checking.servers import Server, answer, certified

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

KEY = Secret("sk-made-up-" + "x7" * 20)


def ask_at(server: Server, path: str = "/v1/models?limit=1", **how: Any) -> Answer:
    return ask(server.url + path, "openai-chat", KEY, **how)


def test_the_question_is_one_plain_get_with_the_key_in_its_header() -> None:
    with Server(answer('{"data": []}')) as server:
        assert ask_at(server) == Answer(status=200, body=b'{"data": []}')

    assert len(server.asked) == 1
    first, *lines = server.asked[0].rstrip("\r\n").split("\r\n")
    sent = dict(line.split(": ", 1) for line in lines)
    assert first == "GET /v1/models?limit=1 HTTP/1.1"
    assert sent.pop("Host") == server.url.removeprefix("http://")
    assert sent == {
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "Authorization": f"Bearer {KEY.reveal()}",
        "Connection": "close",
        "User-Agent": f"ringlet/{__version__}",
    }


@pytest.mark.parametrize(
    ("shape", "name", "front"),
    [
        ("anthropic", "x-api-key", ""),
        ("anthropic-bearer", "Authorization", "Bearer "),
        ("openai-responses", "Authorization", "Bearer "),
        ("gemini", "x-goog-api-key", ""),
    ],
)
def test_each_wire_shape_has_its_header_and_the_key_in_no_other(shape: str, name: str, front: str) -> None:
    sent = headers(shape, KEY)

    assert sent[name] == front + KEY.reveal()
    assert [each for each, value in sent.items() if KEY.reveal() in value] == [name]
    assert ("anthropic-version" in sent) is shape.startswith("anthropic")


def test_a_certificate_of_somebody_who_is_trusted_is_good(tmp_path: Path) -> None:
    tls, trusted = certified(tmp_path)
    with Server(answer("{}"), tls=tls) as server:
        assert ask_at(server, context=trusted).status == 200


def test_a_certificate_of_anybody_else_gets_no_key(tmp_path: Path) -> None:
    tls, _ = certified(tmp_path)
    with Server(answer("{}"), tls=tls) as server:
        found = ask_at(server)

    assert found.problem.startswith("its certificate is not to be trusted (self")
    assert server.asked == []


def test_a_certificate_for_another_host_gets_no_key(tmp_path: Path) -> None:
    tls, trusted = certified(tmp_path, host="127.0.0.9")
    with Server(answer("{}"), tls=tls) as server:
        found = ask_at(server, context=trusted)

    assert "certificate is not valid for '127.0.0.1'" in found.problem
    assert server.asked == []


def test_what_speaks_no_tls_gets_no_key() -> None:
    with Server(answer("{}")) as server:
        found = ask(server.url.replace("http:", "https:") + "/x", "gemini", KEY)

    assert found.problem == "no secure connection to it can be made"
    assert KEY.reveal() not in "".join(server.asked)


def test_a_redirect_is_not_followed_wherever_it_leads() -> None:
    with Server(answer('{"data": []}')) as elsewhere:
        for status in (301, 302, 303, 307, 308):
            with Server(answer("", status, f"Location: {elsewhere.url}/v1/models")) as server:
                assert ask_at(server).status == status

    assert elsewhere.asked == []


def test_no_proxy_of_the_environment_sees_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with Server(answer("{}")) as proxy, Server(answer("{}")) as server:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert ask_at(server).status == 200

    assert (len(server.asked), proxy.asked) == (1, [])


def test_the_keys_of_the_connection_are_written_nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "log"))

    assert trusting().keylog_filename is None
    assert not (tmp_path / "log").exists()


def test_an_answer_of_any_size_is_read_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "LARGEST", 1000)
    with Server(answer(b"x" * 1000)) as server:
        assert ask_at(server) == Answer(status=200, body=b"x" * 1000)
    with Server(answer(b"x" * 1001)) as server:
        assert ask_at(server) == Answer(status=200, body=b"")


CHUNK = b"1\r\nx\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_an_answer_in_tiny_pieces_takes_no_more_memory_than_in_one() -> None:
    count = 30_000
    with Server(CHUNKED + CHUNK * count + b"0\r\n\r\n") as server:
        tracemalloc.start()
        try:
            found = ask_at(server)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    assert found == Answer(status=200, body=b"x" * count)
    assert peak < 1024 * 1024


def test_an_answer_that_nobody_waits_for_any_more_is_not_read_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "LARGEST", 2**40)
    ended = threading.Event()

    def pieces(connection: Any) -> None:
        connection.sendall(CHUNKED)
        try:
            while True:
                connection.sendall(CHUNK * 1000)
        except OSError:
            ended.set()

    with Server(pieces) as server:
        assert "within 0.2 seconds" in ask_at(server, patience=0.2).problem
        assert ended.wait(5)


def test_an_answer_without_end_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "LARGEST", 100_000)

    def pour(connection: Any) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b"x" * 50_000)

    with Server(pour) as server:
        assert ask_at(server) == Answer(status=200, body=b"")


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"])
def test_a_server_that_takes_its_time_is_not_waited_for(start: bytes) -> None:
    over = threading.Event()

    def drip(connection: Any) -> None:
        connection.sendall(start)
        while not over.wait(0.02):
            connection.sendall(b"X")

    with Server(drip) as server:
        found = ask_at(server, patience=0.1)
        over.set()

    assert found.problem == "there was no answer within 0.1 seconds"


@pytest.mark.parametrize("garbage", [b"", b"\x00" * 50, b"SSH-2.0-x\r\n", b"HTTP/1.1 \xff\xff\r\n\r\n", b"HTTP/9"])
def test_garbage_is_no_answer_and_is_not_repeated(garbage: bytes) -> None:
    with Server(garbage) as server:
        assert ask_at(server).problem == "what it answers is not HTTP"


def test_a_server_that_echoes_the_key_as_garbage_is_not_repeated() -> None:
    with Server(f"{KEY.reveal()}\r\n".encode()) as server:
        assert KEY.reveal() not in repr(ask_at(server).problem)


def test_nobody_at_home_is_said() -> None:
    with Server(b"") as server:
        url = server.url

    assert ask(f"{url}/x", "gemini", KEY).problem == "Connection refused"
    assert ask("https://no-such-host.invalid/x", "gemini", KEY).problem


def test_a_value_that_could_be_two_headers_is_not_sent() -> None:
    with Server(answer("{}")) as server:
        found = ask(server.url + "/x", "gemini", Secret("a\r\nX-More: b"))

    assert found.problem == "it cannot be asked"
    assert server.asked in ([], [""])
