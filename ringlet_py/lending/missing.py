"""Keys that an entry promises and this machine lacks: this process claims the others of their pools meanwhile.

On a ledger that several machines share such a key may well be on the others, which must not hear of it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ringlet_py.errors import KeychainTimeout, LedgerUnreachable
from ringlet_py.ledger.claims import Refused, Standing, Taken, Unlisted
from ringlet_py.limits import NEVER
from ringlet_py.pool import Candidate, Choice, policy_named

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ringlet_py.ledger.claims import Claim, Claims, Member, Turn

_SHARED = ("token", "bearer", "quota", "pool")  # what holds back every key of the turn alike


class Missing:
    """The keys that are left out for now, by their addresses; forgotten with the process."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def add(self, address: str, until: float) -> None:
        """Leaves the key out until then, in seconds of the steady clock."""
        self._until = {**self._until, address: until}  # a new one, since other threads may be reading the old one

    def now(self, moment: float) -> dict[str, int]:
        """Those that are left out at that moment, and for how many milliseconds more."""
        return {name: round((until - moment) * 1000) for name, until in self._until.items() if until > moment}

    def told(self, standings: Sequence[Standing], moment: float) -> Sequence[Standing]:
        """The same, saying of these that they are missing."""
        left_out = self.now(moment)
        return [replace(each, why="missing") if each.address in left_out else each for each in standings]


def claim_around(
    claims: Claims, claim: Claim, members: Sequence[Member], *, left_out: Mapping[str, int], looked: str, wall: int
) -> Taken | Refused | Unlisted:
    """Takes a key of the turn that is not left out, in the policy's order.

    `looked` is the one that the engine would take, `wall` is now in milliseconds since 1970.  The engine is asked for
    one key after the other, and counts as for any claim.
    """
    standings = _standings(claims, claim.turn, members)
    others = [each for each in standings if each.address not in left_out]
    free = {each.address for each in others if not each.ready_at}
    choice = Choice(cursor=_before(looked, members), seed=claim.seed, session=claim.session, wall=wall)
    for address in _in_order(claim.turn.policy, members, standings, choice):
        if address not in free:
            continue
        answer = claims.claim(claim._replace(only=address, soonest_ready=False))
        if not isinstance(answer, Refused) or answer.reason in _SHARED:
            return answer
    soonest = min(others, key=lambda each: (each.ready_at, each.address), default=None)
    if claim.soonest_ready and soonest is not None and soonest.ready_at < NEVER:
        return claims.claim(claim._replace(only=soonest.address))
    return _refused(standings, left_out, wall)


def _standings(claims: Claims, turn: Turn, members: Iterable[Member]) -> Sequence[Standing]:
    """How each stands; where the server is away, as if all were free, since claims may then go on without it."""
    try:
        return claims.standings(turn)
    except (LedgerUnreachable, KeychainTimeout):
        return [Standing(address=each.address, now=0) for each in members]


def _before(looked: str, members: Iterable[Member]) -> str:
    """Where the turn is, so that this one comes next."""
    return max((each.address for each in members if each.address < looked), default="")


def _in_order(policy: str, members: Iterable[Member], standings: Iterable[Standing], choice: Choice) -> list[str]:
    """The addresses as the engine would try them."""
    known = {each.address: each for each in standings}
    candidates = [_candidate(each, known[each.address]) for each in members if each.address in known]
    return [each.address for each in policy_named(policy)(candidates, choice)]


def _candidate(member: Member, standing: Standing) -> Candidate:
    return Candidate(
        address=member.address,
        org=member.org,
        expires_at=member.expires_at if member.expires_at < NEVER else None,
        last_limited=standing.last_limited,
        last_used=standing.last_used,
        remaining=min((left / rate.amount for rate, left in standing.remaining), default=1.0),
        weight=member.weight,
        key_set=member.key_set,
    )


def _refused(standings: Sequence[Standing], left_out: Mapping[str, int], wall: int) -> Refused:
    """None is free; a key that is left out may be there when it is looked for again."""
    now = standings[0].now if standings else 0
    ready = [max(each.ready_at, now + left_out.get(each.address, 0)) for each in standings]
    retry_at = min(ready, default=NEVER)
    retry_wall = NEVER if retry_at >= NEVER else retry_at - now + wall
    return Refused(retry_at=retry_at, retry_wall=retry_wall, now=now, reason="members", members=len(standings))
