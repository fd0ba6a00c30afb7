from __future__ import annotations

import signal
import socket
import sys
import traceback
from typing import TYPE_CHECKING, Any

import pytest

from ringlet_py.entry import Address, Entry
from ringlet_py.errors import (
    ConfigError,
    KeychainBroken,
    KeychainDenied,
    KeychainError,
    KeychainTimeout,
    LedgerUnreachable,
    StoreCorrupt,
)
from ringlet_py.ledger.claims import Refused, Rest, Taken
from ringlet_py.ledger.redis.callers import RedisCallers
from ringlet_py.ledger.redis.claims import RedisClaims
from ringlet_py.ledger.redis.entries import RedisLedger
from ringlet_py.ledger.redis.made import redis_claims, redis_server
from ringlet_py.ledger.redis.server import SCHEMA, RedisServer
from ringlet_py.ledger.redis.url import RedisUrl
from ringlet_py.ledger.tokens import StoredLease, Token
from ringlet_py.limits import NEVER, Rate
from ringlet_py.scope import Bearer
from tests.ledger.redis_stores import key, pool, silence, store, wish
from tests.redis_server import RedisProcess, needs_redis

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

PASSWORD = "pa55-w0rd-of-the-ledger"
USER = "somebody"
ENTRY = Entry(Address("anthropic", "work"), backend="file")


def everything_said(error: KeychainError | ConfigError) -> str:
    """Message, reason, hint, and the whole traceback with every error behind it."""
    return "\n".join([*traceback.format_exception(error), error.why, error.hint, repr(error)])


def said_of(server: RedisServer, kind: type[KeychainError]) -> str:
    with pytest.raises(KeychainError) as caught:
        RedisLedger(server).put(ENTRY)
    said = everything_said(caught.value)
    assert type(caught.value) is kind, said
    assert PASSWORD not in said
    assert USER not in said
    assert server.shown in caught.value.what
    assert caught.value.hint
    return said


class TestUrls:
    @pytest.mark.parametrize(
        ("text", "shown", "is_open"),
        [
            ("redis://localhost", "localhost:6379", False),
            ("redis://127.0.0.1:7000/3", "127.0.0.1:7000", False),
            ("redis://[::1]:7000", "[::1]:7000", False),
            (f"redis://{USER}:{PASSWORD}@10.0.0.5/0", "10.0.0.5:6379", True),
            (f"redis://:{PASSWORD}@redis.example", "redis.example:6379", True),
            (f"rediss://{USER}:{PASSWORD}@redis.example:6380/0?ssl_ca_certs=/etc/ca.pem", "redis.example:6380", False),
            ("unix:///run/redis.sock?db=2", "/run/redis.sock", False),
        ],
    )
    def test_shows_the_server_and_never_the_password(self, text: str, shown: str, *, is_open: bool):
        url = RedisUrl(text)

        assert (url.shown, url.is_open, url.secret) == (shown, is_open, text)
        assert PASSWORD not in f"{url} {url!r}"
        assert PASSWORD not in repr(RedisServer(url, store="s", say=silence))

    @pytest.mark.parametrize(
        "text",
        [
            f"http://{USER}:{PASSWORD}@host",
            f"{USER}:{PASSWORD}@host:6379",
            f"redis://{USER}:{PASSWORD}@host:port",
            f"redis://{USER}:{PASSWORD}@",
            f"redis://{USER}:{PASSWORD}@[host",
            f"redis://{USER}:{PASSWORD}@host/first",
            f"rediss://{USER}:{PASSWORD}@host?ssl_cert_reqs=none",
            f"redis://{USER}:{PASSWORD}@host?password=x",
            f"redis://{USER}:{PASSWORD}@host/0#x",
            f"redis://{USER}:{PASSWORD}@host?db=x",
            f"redis://{USER}:{PASSWORD}@host?db=",
            f"redis://{USER}:{PASSWORD}@host?db=1&db=x",
            f"redis://{USER}:{PASSWORD}@host/{'9' * 5000}",
            f"redis://{USER}:{PASSWORD}@host?ssl_ca_certs=/etc/ca.pem",
            "unix:///run/redis.sock?db=-1",
            "unix://run/redis.sock",
            "redis:",
            "nonsense",
        ],
    )
    def test_what_cannot_be_one_is_refused_without_quoting_it(self, text: str):
        with pytest.raises(ConfigError) as caught:
            RedisUrl(text)

        said = everything_said(caught.value)
        assert PASSWORD not in said
        assert USER not in said
        assert "rediss://redis.example" in caught.value.hint

    def test_what_only_the_client_refuses_is_refused_without_quoting_it(self):
        url = RedisUrl(f"redis://{USER}:{PASSWORD}@host")
        url.secret = f"{url.secret}?db={PASSWORD}"  # as if our own look at it had missed something

        with pytest.raises(ConfigError) as caught:
            RedisServer(url, store="s", say=silence)

        said = everything_said(caught.value)
        assert PASSWORD not in said
        assert USER not in said


class TestUnreachable:
    def free_port(self) -> int:
        with socket.socket() as probing:
            probing.bind(("127.0.0.1", 0))
            return int(probing.getsockname()[1])

    def server(self, host: str, scheme: str = "redis") -> RedisServer:
        return RedisServer(RedisUrl(f"{scheme}://{USER}:{PASSWORD}@{host}"), store="s", say=silence, timeout=0.2)

    def test_nobody_listens(self):
        said = said_of(self.server(f"127.0.0.1:{self.free_port()}"), LedgerUnreachable)

        assert "connection refused" in said

    def test_there_is_no_such_socket(self):
        server = RedisServer(RedisUrl("unix:///nowhere/redis.sock"), store="s", say=silence)

        assert "no such file" in said_of(server, LedgerUnreachable)

    def test_it_takes_connections_and_never_answers(self):
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            listening.listen()
            server = self.server(f"127.0.0.1:{listening.getsockname()[1]}")

            said_of(server, KeychainTimeout)

    def test_tls_is_asked_of_a_server_without_it(self):
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            listening.listen()
            server = self.server(f"127.0.0.1:{listening.getsockname()[1]}", "rediss")

            assert "TLS" in said_of(server, LedgerUnreachable)

    @needs_redis
    def test_redis_without_tls_says_so(self):
        with RedisProcess() as process:
            server = self.server(f"127.0.0.1:{process.port}", "rediss")

            assert "TLS" in said_of(server, LedgerUnreachable)


@needs_redis
class TestRefusals:
    @pytest.fixture
    def process(self) -> Iterator[RedisProcess]:
        with RedisProcess() as process:
            yield process

    @pytest.mark.parametrize("user", ["", f"{USER}:wrong-{PASSWORD}@", f":wrong-{PASSWORD}@"])
    def test_a_wrong_or_missing_password_is_denied(self, user: str):
        with RedisProcess("--requirepass", PASSWORD) as process:
            url = process.url.replace("://", f"://{user}")
            said_of(store(process, url=url), KeychainDenied)
            right = store(process, url=process.url.replace("://", f"://:{PASSWORD}@"))
            RedisLedger(right).put(ENTRY)

            assert RedisLedger(right).entries() == [ENTRY]

    def test_a_user_who_may_not_do_that_is_denied(self, process: RedisProcess):
        store(process).call("ACL", "SETUSER", USER, "on", f">{PASSWORD}", "~*", "+@read")
        url = process.url.replace("://", f"://{USER}:{PASSWORD}@")

        said_of(store(process, url=url), KeychainDenied)

    def test_a_user_who_may_do_what_the_page_says_can_do_everything(self, process: RedisProcess):
        rules = ("on", f">{PASSWORD}", "~ringlet:{team-a}:*", "+@all", "-@dangerous")
        store(process).call("ACL", "SETUSER", USER, *rules)
        url = process.url.replace("://", f"://{USER}:{PASSWORD}@")
        server, turn = store(process, url=url, name="team-a"), pool(org_rates=(Rate.parse("9/day"),))
        claims = RedisClaims(server)
        RedisLedger(server).put(ENTRY)
        claims.enlist(turn, [key("a", "9/day", org="x")], version=claims.version())
        taken = claims.claim(wish(turn, lease="l"))
        claims.rest(Rest(provider="openai", org="x", milliseconds=60_000))
        claims.give_back("l")
        claims.wake("openai/a")
        claims.claim(wish(turn))
        claims.renewed("openai/a")
        claims.renamed("openai/a", "openai/b")
        token, lease = Token(id="t", name="t", digest="d"), StoredLease(id="l", address="openai/a", expires_at=1)
        callers = RedisCallers(server)
        callers.add_token(token)
        callers.add_lease(lease)
        claims.claim_all([wish(pool(pool="none"), bearers=(Bearer(id="t"),)) for _ in range(2)])

        assert callers.change_token(token, token)
        assert callers.change_lease(lease, lease)
        assert callers.chain("d") == callers.tokens() == [token]
        assert callers.leases() == [lease]
        assert callers.forget_leases(2) == 1
        assert callers.remove_token("t") == ["t"]
        assert isinstance(taken, Taken)
        assert claims.resting() == {}
        assert [left for _, left in claims.standings(turn)[0].remaining] == [9, 8]  # the org's stays
        said_of(store(process, url=url, name="team-b"), KeychainDenied)

    def test_no_memory_left(self, process: RedisProcess):
        server = store(process)
        server.call("CONFIG", "SET", "maxmemory", "1")

        assert "maxmemory" in said_of(server, KeychainBroken)

    def test_a_replica(self, process: RedisProcess):
        server = store(process)
        server.call("REPLICAOF", "127.0.0.1", "1")

        assert "primary" in said_of(server, KeychainBroken)

    def test_foreign_data_under_our_names(self, process: RedisProcess):
        server = store(process)
        server.call("SET", server.key("entries"), "theirs")

        said_of(server, StoreCorrupt)

    @pytest.mark.parametrize("written", ["x", "{}", "[]", '{"provider": 1}', '{"provider": "../x"}', "7"])
    def test_what_cannot_be_an_entry_is_refused(self, process: RedisProcess, written: str):
        server = store(process)
        server.call("HSET", server.key("entries"), "a/b", written)

        for verb in (RedisLedger(server).entries, lambda: RedisLedger(server).entry(Address("a", "b"))):
            with pytest.raises(StoreCorrupt):
                verb()

    @pytest.mark.parametrize(("version", "said"), [(SCHEMA + 1, "newest"), ("x", "prefix")])
    def test_a_newer_or_foreign_ledger_is_refused(self, process: RedisProcess, version: object, said: str):
        server = store(process)
        server._command("SET", server.key("schema"), str(version))

        assert said in said_of(server, StoreCorrupt)

    def test_a_stopped_server_is_a_timeout_and_nothing_is_handed_out(self, process: RedisProcess):
        server = RedisServer(RedisUrl(process.unix_url), store="s", say=silence, timeout=0.2)
        claims, turn = RedisClaims(server), pool()
        claims.enlist(turn, [key("a")], version=claims.version())
        assert process._process is not None
        process._process.send_signal(signal.SIGSTOP)
        try:
            with pytest.raises(KeychainTimeout):
                claims.claim(wish(turn))
        finally:
            process._process.send_signal(signal.SIGCONT)

    def test_any_other_answer_is_told_by_its_code_alone(self, process: RedisProcess):
        server = store(process)

        with pytest.raises(KeychainBroken) as caught:
            server.call("NO-SUCH-COMMAND", PASSWORD)
        assert PASSWORD not in everything_said(caught.value)


@needs_redis
class TestWarnings:
    @pytest.fixture
    def process(self) -> Iterator[RedisProcess]:
        with RedisProcess() as process:
            yield process

    def test_a_server_that_forgets_is_told_of_once(self, process: RedisProcess):
        said: list[str] = []
        server = store(process, say=said.append)
        server.call("CONFIG", "SET", "appendonly", "no")
        ledger = RedisLedger(server)
        ledger.put(ENTRY)
        ledger.put(ENTRY)

        assert len(said) == 1
        assert "redis-cli CONFIG SET appendonly yes" in said[0]

    def test_a_server_that_keeps_everything_or_does_not_tell_is_not(self, process: RedisProcess):
        RedisLedger(store(process)).put(ENTRY)
        store(process).call("ACL", "SETUSER", "default", "-config")

        RedisLedger(store(process)).put(ENTRY)

    def test_an_empty_ledger_is_told_of_once_if_there_is_another(self, process: RedisProcess, tmp_path: Path):
        said: list[str] = []
        other = tmp_path / "ledger.sqlite"
        RedisLedger(store(process), elsewhere=str(other)).entries()
        other.touch()
        ledger = RedisLedger(store(process, say=said.append), elsewhere=str(other))
        ledger.entries()
        ledger.entries()

        assert len(said) == 1
        assert str(other) in said[0]

    def test_an_open_connection_to_another_machine_is_told_of_once(self, process: RedisProcess):
        said: list[str] = []
        url = RedisUrl(process.unix_url)
        url.is_open = True
        ledger = RedisLedger(RedisServer(url, store="s", say=said.append))
        ledger.entries()
        ledger.entries()

        assert len(said) == 1
        assert "rediss://" in said[0]


@needs_redis
class TestReading:
    def test_makes_nothing(self):
        with RedisProcess() as process:
            server = store(process)
            RedisLedger(server).entries()
            RedisLedger(server).entry(Address("a"))
            RedisClaims(server).version()

            assert server.call("DBSIZE") == 0


class TestWithoutTheExtra:
    def test_the_command_that_installs_it_is_told(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setitem(sys.modules, "redis", None)

        with pytest.raises(ConfigError) as caught:
            redis_server("redis://localhost", store="default", say=silence)
        assert caught.value.hint == "pip install 'ringlet-py[redis]'"


class TestOnError:
    """The server is away, for good."""

    @pytest.fixture
    def said(self) -> list[str]:
        return []

    def claims(self, on_error: str, said: list[str]) -> Any:
        server = redis_server("unix:///nowhere/redis.sock", store="s", say=said.append)
        return redis_claims(server, on_error=on_error, say=said.append, clock=lambda: 1000.0)

    def test_refuse_hands_nothing_out(self, said: list[str]):
        with pytest.raises(LedgerUnreachable):
            self.claims("refuse", said).claim(wish(pool(), only="openai/a"))

    def test_allow_lends_the_one_that_was_named_and_says_so(self, said: list[str]):
        taken = self.claims("allow", said).claim(wish(pool(), only="openai/a"))

        assert (taken.address, taken.remaining, taken.now) == ("openai/a", -1, 0)
        assert len(said) == 1
        assert "openai/a is lent without counting it" in said[0]

    def test_allow_does_not_guess_who_is_in_a_pool(self, said: list[str]):
        with pytest.raises(LedgerUnreachable):
            self.claims("allow", said).claim(wish(pool()))

    def test_allow_follows_the_policy_among_those_enlisted_and_never_takes_an_expired_one(self, said: list[str]):
        claims, turn = self.claims("allow", said), pool("round-robin")
        with pytest.raises(LedgerUnreachable):
            claims.enlist(turn, [key("a"), key("b"), key("c", expires_at=1_000_000)], version="1")

        assert claims.peek(wish(turn)).address == "openai/a"
        assert [claims.claim(wish(turn)).address for _ in range(3)] == ["openai/a", "openai/b", "openai/a"]
        with pytest.raises(LedgerUnreachable):
            claims.claim(wish(turn, only="openai/c"))
        with pytest.raises(LedgerUnreachable):
            claims.claim(wish(turn, only="openai/z"))

    def test_allow_lends_nobody_where_the_turn_is_known_to_have_none(self, said: list[str]):
        claims, turn = self.claims("allow", said), pool(pool="key:openai/a")
        with pytest.raises(LedgerUnreachable):
            claims.enlist(turn, [], version="1")

        with pytest.raises(LedgerUnreachable):
            claims.claim(wish(turn, only="openai/a"))

    @pytest.mark.parametrize("rest", [{"address": "openai/a"}, {"org": "x"}])
    def test_allow_does_not_lend_what_was_reported_for_good(self, said: list[str], rest: dict[str, Any]):
        claims, turn = self.claims("allow", said), pool()
        with pytest.raises(LedgerUnreachable):
            claims.enlist(turn, [key("a", org="x"), key("b")], version="1")
        claims.rest(Rest(provider="openai", until=NEVER, why="invalid", **rest))

        assert claims.claim(wish(turn)).address == "openai/b"
        with pytest.raises(LedgerUnreachable):
            claims.claim(wish(turn, only="openai/a"))

    def test_allow_does_not_lend_a_named_key_that_was_reported_for_good(self, said: list[str]):
        claims = self.claims("allow", said)
        claims.rest(Rest(provider="openai", address="openai/a", until=NEVER, why="invalid"))

        with pytest.raises(LedgerUnreachable):
            claims.claim(wish(pool(), only="openai/a"))

    def test_allow_lends_several_in_turn_or_none(self, said: list[str]):
        claims, turn = self.claims("allow", said), pool("round-robin")
        with pytest.raises(LedgerUnreachable):
            claims.enlist(turn, [key("a"), key("b")], version="1")

        assert [_alias(each) for each in claims.claim_all([wish(turn) for _ in range(3)])] == ["a", "b", "a"]
        assert len(said) == 3
        with pytest.raises(LedgerUnreachable):
            claims.claim_all([wish(turn), wish(turn, only="openai/z")])

    def test_allow_lends_nothing_to_a_token_that_may_be_revoked(self, said: list[str]):
        claims, turn = self.claims("allow", said), pool()
        with pytest.raises(LedgerUnreachable):
            claims.enlist(turn, [key("a")], version="1")
        asking = wish(turn, bearers=(Bearer(id="t"),))

        for verb, argument in ((claims.claim, asking), (claims.peek, asking), (claims.claim_all, [wish(turn), asking])):
            with pytest.raises(LedgerUnreachable):
                verb(argument)
        assert said == []
        assert _alias(claims.claim(wish(turn))) == "a"

    @needs_redis
    def test_with_the_server_there_allow_lends_to_tokens_and_several_at_once(self, said: list[str]):
        with RedisProcess() as process:
            server = store(process)
            claims, turn = redis_claims(server, on_error="allow", say=silence, clock=lambda: 1000.0), pool()
            RedisCallers(server).add_token(Token(id="t", name="t", digest="d"))
            claims.enlist(turn, [key("a", own=(Rate.parse("2"),)), key("b")], version=claims.version())
            asking = [wish(turn, bearers=(Bearer(id=name),)) for name in ("t", "nobody", "t")]
            answers = claims.claim_all(asking)

            assert [each.reason if isinstance(each, Refused) else _alias(each) for each in answers] == [
                "a",
                "token",
                "a",
            ]
        with pytest.raises(LedgerUnreachable):
            claims.claim(wish(turn, only="openai/a"))  # it was seen to be used up
        with pytest.raises(LedgerUnreachable):
            claims.claim_all(asking)

    @needs_redis
    @pytest.mark.parametrize("seen_by", ["taking the last", "a refusal", "standings"])
    def test_allow_does_not_lend_what_is_used_up(self, said: list[str], seen_by: str):
        with RedisProcess() as process:
            server = store(process)
            claims, turn = redis_claims(server, on_error="allow", say=said.append, clock=lambda: 1000.0), pool()
            others = claims if seen_by == "taking the last" else RedisClaims(server)
            claims.enlist(turn, [key("a", own=(Rate.parse("1"),)), key("b")], version=claims.version())
            others.claim(wish(turn, only="openai/a"))
            if seen_by == "a refusal":
                claims.claim(wish(turn, only="openai/a"))
            if seen_by == "standings":
                claims.standings(turn)

        assert _alias(claims.claim(wish(turn))) == "b"
        assert said != []

    @needs_redis
    @pytest.mark.parametrize("end", ["wake", "renewed", "others", "renamed"])
    def test_allow_lends_again_what_the_server_or_a_person_let_go(self, said: list[str], end: str):
        with RedisProcess() as process:
            server = store(process)
            claims, turn = redis_claims(server, on_error="allow", say=said.append, clock=lambda: 1000.0), pool()
            claims.enlist(turn, [key("a", org="x"), key("b")], version=claims.version())
            claims.rest(Rest(provider="openai", address="openai/a", until=NEVER, why="invalid"))
            if end == "renamed":
                claims.renamed("openai/a", "openai/b")
            elif end == "others":
                RedisClaims(server).wake("openai/a")
                claims.claim(wish(turn, only="openai/a"))
            else:
                getattr(claims, end)("openai/a")

        assert _alias(claims.claim(wish(turn))) == "a"
        if end == "renamed":
            with pytest.raises(LedgerUnreachable):
                claims.claim(wish(turn, only="openai/b"))

    @needs_redis
    def test_allow_does_not_lend_a_key_that_the_server_did_not_list(self, said: list[str]):
        with RedisProcess() as process:
            server = store(process)
            claims, turn = redis_claims(server, on_error="allow", say=said.append, clock=lambda: 1000.0), pool()
            RedisClaims(server).enlist(turn, [key("b")], version=claims.version())
            answer = claims.claim(wish(turn, only="openai/a"))
            assert isinstance(answer, Refused)
            assert answer.reason == "none"

        with pytest.raises(LedgerUnreachable):
            claims.claim(wish(turn, only="openai/a"))

    def test_what_cannot_be_kept_is_said(self, said: list[str]):
        claims = self.claims("allow", said)
        claims.rest(Rest(provider="openai", address="openai/a", milliseconds=5))
        claims.give_back("lease")

        assert len(said) == 2
        for verb in (claims.version, claims.resting, lambda: claims.standings(pool()), lambda: claims.wake("a/b")):
            with pytest.raises(LedgerUnreachable):
                verb()

    @needs_redis
    def test_with_the_server_there_allow_counts_like_any(self, said: list[str]):
        with RedisProcess() as process:
            claims = redis_claims(store(process), on_error="allow", say=silence, clock=lambda: 1000.0)
            turn = pool()
            claims.enlist(turn, [key("a", "1/day")], version=claims.version())
            claims.claim(wish(turn))

            assert [each.uses for each in claims.standings(turn)] == [1]
            assert claims.resting() == {}


def _alias(answer: object) -> str:
    assert isinstance(answer, Taken)
    return answer.address.removeprefix("openai/")
