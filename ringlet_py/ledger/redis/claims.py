"""The claims of the ledger on Redis: each is one script, which picks the key by the server's clock."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from ringlet_py.errors import KeychainBroken
from ringlet_py.ledger.claims import OF_THE_VALUE, Refused, Standing, Taken, Unlisted
from ringlet_py.ledger.redis.sealed import value_of
from ringlet_py.ledger.redis.wishes import bearers_of, boundaries, claim_of, enlisting, id_of, org_named, turn_of
from ringlet_py.limits import Rate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ringlet_py.ledger.claims import Claim, Member, Rest, Turn
    from ringlet_py.ledger.redis.server import RedisServer
    from ringlet_py.ledger.redis.wishes import Windows
    from ringlet_py.scope import Bearer

_BATCH = 500  # members a script looks at in one go, so that others are not kept waiting


class RedisClaims:
    """The counting on that server; see `ringlet_py.ledger.claims` for what the verbs promise.

    A claim whose version is "" is of the ledger's present one, whatever that is, and saves asking for it.
    """

    def __init__(self, server: RedisServer) -> None:
        self._server = server
        # where calendar windows begin, for as long as the server's clock is within them
        self._windows: dict[str, list[int]] = {}

    def version(self) -> str:
        """What changes with every change of entries, pools and tiers."""
        found = self._server.call("GET", self._server.key("version"))
        return "0" if found is None else str(found.decode())

    def enlist(self, turn: Turn, members: Sequence[Member], *, version: str) -> None:
        """Makes the turn's members these, and keeps what is known of those that were there before."""
        self._server.run("enlist", *enlisting(turn, members, version))

    def claim(self, claim: Claim) -> Taken | Refused | Unlisted:
        """Takes a key; should the answer be lost, asking again under the same lease id gets the same answer."""
        return self._claimed([claim], "claim")[0]

    def claim_all(self, claims: Sequence[Claim]) -> list[Taken | Refused | Unlisted]:
        """Each as `claim` does, in one round trip; asking again under the same lease ids is as good here too.

        Where windows of calendars are lacking, those that need them come after the others.  If one claim fails, that is
        raised, and what the others have taken stays taken until they ask again or give it back.
        """
        return self._claimed(claims, "claim")

    def peek(self, claim: Claim) -> Taken | Refused | Unlisted:
        """What `claim` would answer, taking nothing."""
        return self._claimed([claim], "peek")[0]

    def standings(self, turn: Turn, *, most: int = 0) -> list[Standing]:
        """How each member stands, sorted by address."""
        found = self._server.call("HKEYS", self._server.key("turn", id_of(turn), "members"))
        addresses = sorted(address.decode() for address in found)[: most or None]
        batches = (addresses[start : start + _BATCH] for start in range(0, len(addresses), _BATCH))
        return [standing for batch in batches for standing in self._standings(turn, batch)]

    def left(self, bearers: Sequence[Bearer]) -> list[list[int]]:
        """What each of these tokens' rates still allows."""
        _, found = self._with_windows("left", [_Asked(partial(bearers_of, bearers), ())])[0]
        return [[int(left) for left in each] for each in found]

    def rest(self, rest: Rest) -> None:
        """Begins or extends a cooldown."""
        subject = f"key:{rest.address}" if rest.address else f"org:{org_named(rest.provider, rest.org)}"
        moments = (str(rest.milliseconds), str(rest.until), str(int(rest.limited)))
        self._server.run("rest", subject, rest.feature, *moments, rest.why)

    def wake(self, address: str, feature: str = "") -> None:
        """Ends the cooldowns of a key and of its org, for that feature or for all."""
        self._server.run("wake", address, feature)

    def renewed(self, address: str) -> None:
        """Ends the key's cooldowns that were its old value's fault."""
        self._server.run("renewed", address, *OF_THE_VALUE)

    def renamed(self, old: str, new: str) -> None:
        """Moves the key's cooldowns and uses to its new address."""
        self._server.run("renamed", old, new)

    def resting(self) -> dict[str, int]:
        """The addresses that rest for every feature, and until when by the wall clock (NEVER: until woken)."""
        found = self._server.run("resting")
        return {address.decode(): int(until) for address, until in zip(found[::2], found[1::2], strict=True)}

    def give_back(self, lease: str) -> None:
        """Takes back the uses that were taken under that id, if they are still counted."""
        self._server.run("give_back", lease)

    def _claimed(self, claims: Sequence[Claim], verb: str) -> list[Taken | Refused | Unlisted]:
        again = verb == "peek" or all(claim.lease for claim in claims)
        wishes = [_Asked(partial(claim_of, claim), (verb,)) for claim in claims]
        return [_answered(*answer) for answer in self._with_windows("claim", wishes, again=again)]

    def _standings(self, turn: Turn, addresses: list[str]) -> list[Standing]:
        asked = _Asked(partial(turn_of, turn), addresses)
        _, now, found = self._with_windows("standings", [asked])[0]
        return [_standing(each, int(now)) for each in found]

    def _with_windows(self, script: str, asked: Sequence[_Asked], *, again: bool = True) -> list[Any]:
        """The script's answers; it says which calendar windows it lacks, by its own clock."""
        answers: dict[int, Any] = {}
        for _ in range(4):
            rest = [place for place in range(len(asked)) if place not in answers]
            calls = [asked[place].arguments(self._windows) for place in rest]
            found = zip(rest, self._server.run_all(script, calls, again=again), strict=True)
            answers |= {place: answer for place, answer in found if not self._lacks(answer)}
            if len(answers) == len(asked):
                return [answers[place] for place in range(len(asked))]
        raise KeychainBroken(
            f"the clock of the ledger on {self._server.shown} does not stand still", hint="set it right"
        )

    def _lacks(self, answer: Any) -> bool:
        """Whether it says that windows are lacking, which then are there."""
        if answer[0] != b"windows":
            return False
        for name in answer[2].decode().split():
            self._windows[name] = boundaries(name, int(answer[1]))
        return True


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a script is asked: the wish, as soon as the windows are known, and what comes after it."""

    wish: Callable[[Windows], str]
    others: Sequence[str]

    def arguments(self, windows: Windows) -> list[str]:
        """The script's arguments, with these windows."""
        return [self.wish(windows), *self.others]


def _answered(kind: bytes, *answer: Any) -> Taken | Refused | Unlisted:
    if kind == b"unlisted":
        return Unlisted()
    if kind == b"taken":
        found, remaining, now, ready, *written = answer
        address = found.decode()
        value = value_of(address, written[0]) if written else None
        return Taken(address=address, remaining=int(remaining), now=int(now), ready_at=int(ready), value=value)
    ready, wall, now, reason, members = answer
    return Refused(
        retry_at=int(ready), retry_wall=int(wall), now=int(now), reason=reason.decode(), members=int(members)
    )


def _standing(found: list[Any], now: int) -> Standing:
    address, why, uses, moments, left = found
    ready, resting, used, limited = map(int, moments)
    rates = (left[start : start + 4] for start in range(0, len(left), 4))
    return Standing(
        address=address.decode(),
        now=now,
        ready_at=ready,
        why=why.decode(),
        resting_until=resting,
        last_used=used,
        last_limited=limited,
        uses=int(uses),
        remaining=tuple((_rate(*rate), int(count)) for *rate, count in rates),
    )


def _rate(amount: bytes, window: bytes, calendar: bytes) -> Rate:
    unit, _, zone = calendar.decode().partition("@")
    return Rate(amount=int(amount), window=int(window), calendar=unit, zone=zone)
