"""One Redis server as ringlet speaks to it: names, commands, scripts, and a first look at who it is."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import redis
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError
from redis.retry import Retry

from ringlet_py.errors import LedgerUnreachable, StoreCorrupt
from ringlet_py.ledger.redis.problems import corrupt, translated
from ringlet_py.ledger.redis.scripts import Script
from ringlet_py.ledger.redis.url import wrong

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ringlet_py.ledger.redis.url import RedisUrl

TIMEOUT = 5.0  # seconds for connecting, and again for each answer
SCHEMA = 1


class RedisServer:
    """The server at that URL, and the store's names on it; made without asking it anything.

    What the client raises becomes LedgerUnreachable or another KeychainError.  Threads and forks may share it.
    """

    def __init__(self, url: RedisUrl, *, store: str, say: Callable[[str], None], timeout: float = TIMEOUT) -> None:
        self.shown = url.shown
        self.prefix = f"ringlet:{{{store}}}:"
        self.say = say
        self._is_open = url.is_open
        self._scripts: dict[str, Script] = {}
        self._is_known = False
        client = _client(url, timeout)
        self._command: Callable[..., Any] = client.execute_command
        self._pipelined: Callable[..., list[Any]] = partial(_pipelined, client)

    def __repr__(self) -> str:
        return f"RedisServer({self.shown!r})"

    def key(self, *parts: str) -> str:
        """The name of a key of this store."""
        return self.prefix + ":".join(parts)

    def call(self, *command: str | bytes | int, again: bool = True) -> Any:
        """The answer to a command; `again` says that doing it twice is as good as once, should the answer be lost."""
        return self._repeated(lambda: self._once(*command), again=again)

    def run(self, name: str, *arguments: str | bytes, again: bool = True) -> Any:
        """The answer of the script of that name, in one round trip where the server knows it."""
        script = self._script(name)
        try:
            return self.call("EVALSHA", script.digest, 1, self.prefix, *arguments, again=again)
        except NoScriptError:
            return self.call("EVAL", script.text, 1, self.prefix, *arguments, again=again)

    def run_all(self, name: str, calls: Sequence[Sequence[str]], *, again: bool = True) -> list[Any]:
        """Its answers to each of these arguments, one after the other, also in one round trip.

        If one fails that is raised, and what the others did is done.
        """
        if len(calls) <= 1:  # one alone is cheaper by itself
            return [self.run(name, *arguments, again=again) for arguments in calls]
        start = ("EVALSHA", self._script(name).digest, 1, self.prefix)
        answers: list[Any] = self._repeated(lambda: self._all_once(start, calls), again=again)
        unknown = [place for place, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
        if unknown:
            # the first of them tells the server the script
            told = self.run(name, *calls[unknown[0]], again=again)
            others = self.run_all(name, [calls[place] for place in unknown[1:]], again=again)
            for place, answer in zip(unknown, [told, *others], strict=True):
                answers[place] = answer
        return answers

    def flat(self, key: str) -> list[tuple[str, str]]:
        """The fields of a hash with their texts, in the old and the new protocol."""
        found = self.call("HGETALL", key)
        pairs = found.items() if isinstance(found, dict) else zip(found[::2], found[1::2], strict=True)
        try:
            return [(name.decode(), text.decode()) for name, text in pairs]
        except UnicodeDecodeError:
            raise self.corrupt("it holds what is no text") from None

    def is_forgetful(self) -> bool:
        """Whether the server keeps nothing over a restart; one that does not tell is believed."""
        try:
            return "no" in _texts(self._command("CONFIG", "GET", "appendonly"))
        except RedisError:
            return False

    def warn_if_forgetful(self) -> None:
        """Says it, if the server keeps nothing over a restart."""
        if self.is_forgetful():
            self.say(
                f"⚠ The Redis server on {self.shown} runs without appendonly: a restart loses keys and counts.\n"
                "  Switch it on there: redis-cli CONFIG SET appendonly yes && redis-cli CONFIG REWRITE"
            )

    def corrupt(self, why: str) -> StoreCorrupt:
        """The error for what ringlet cannot have written."""
        return corrupt(self.shown, why)

    def _script(self, name: str) -> Script:
        """The script, read once; what changes a ledger says first of which version that is."""
        if not self._scripts:
            self.call("SET", self.key("schema"), SCHEMA, "NX")
        script = self._scripts.get(name) or Script(name)
        return self._scripts.setdefault(name, script)

    def _look(self) -> None:
        """Sees once in the life of a process whether it is our kind of ledger."""
        if self._is_open:
            self.say(
                f"⚠ The connection to the Redis server on {self.shown} is not encrypted; "
                "set up TLS there and write rediss:// in [ledger] url."
            )
            self._is_open = False
        found = self._again(lambda: self._once("GET", self.key("schema"))) or str(SCHEMA).encode()
        if not found.isdigit():
            raise self.corrupt("its version is not a number")
        if int(found) > SCHEMA:
            why = f"this ringlet knows versions up to {SCHEMA}"
            what = f"the ledger on {self.shown} is of version {int(found)}"
            raise StoreCorrupt(what, why=why, hint="install the newest ringlet")
        self._is_known = True

    def _repeated(self, ask: Callable[[], Any], *, again: bool) -> Any:
        if not self._is_known:
            self._look()
        return self._again(ask) if again else ask()

    def _again(self, ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except LedgerUnreachable:
            # a server that was restarted hangs up on everybody, and is there again
            return ask()

    def _once(self, *command: str | bytes | int) -> Any:
        try:
            return self._command(*command)
        except NoScriptError:
            raise
        except RedisError as error:
            raise translated(error, self.shown) from None

    def _all_once(self, start: Sequence[str | int], calls: Sequence[Sequence[str]]) -> list[Any]:
        """The answers to commands that all start so, of which each may be that the script is not known."""
        try:
            answers = self._pipelined([(*start, *arguments) for arguments in calls])
        except RedisError as error:
            raise translated(error, self.shown) from None
        for answer in answers:
            if isinstance(answer, RedisError) and not isinstance(answer, NoScriptError):
                raise translated(answer, self.shown)
        return answers


def _pipelined(client: redis.Redis, commands: Sequence[Sequence[str | int]]) -> list[Any]:
    pipeline: Any = client.pipeline(transaction=False)
    for command in commands:
        pipeline.execute_command(*command)
    return list(pipeline.execute(raise_on_error=False))


def _client(url: RedisUrl, timeout: float) -> redis.Redis:
    try:
        # the client's own retries would do again what may have been done; `call` knows better
        return redis.Redis.from_url(
            url.secret,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            retry=Retry(NoBackoff(), 0),
            client_name="ringlet",
        )
    except ValueError:
        raise wrong("the client of Redis does not understand what stands behind the server") from None


def _texts(answer: Any) -> list[str]:
    """What CONFIG GET answers, in the old and the new protocol."""
    values = [*answer, *answer.values()] if isinstance(answer, dict) else answer
    return [value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value) for value in values]
