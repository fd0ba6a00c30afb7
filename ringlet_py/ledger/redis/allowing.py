"""Claims that go on without their server, uncounted: what `[ledger] on-error = "allow"` chooses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringlet_py.errors import KeychainTimeout, LedgerUnreachable
from ringlet_py.ledger.claims import Taken
from ringlet_py.limits import NEVER
from ringlet_py.pool import Candidate, Choice, policy_named

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ringlet_py.errors import KeychainError
    from ringlet_py.ledger.claims import Claim, Claims, Member, Refused, Rest, Standing, Turn, Unlisted

_AWAY = (LedgerUnreachable, KeychainTimeout)


class AllowingClaims:
    """The claims of that engine; while it cannot be reached, keys are handed out by the policy and nothing is counted.

    Such an answer says `remaining=-1` and `now=0`.  It needs the turn's members, so one of a single address (`only`) or
    of a turn that this process has enlisted before; any other claim fails as it would without this.  `wall` is the time
    in milliseconds since 1970.
    """

    def __init__(self, claims: Claims, *, say: Callable[[str], None], wall: Callable[[], int]) -> None:
        self._claims = claims
        self._say = say
        self._wall = wall
        self._members: dict[Turn, tuple[Member, ...]] = {}
        self._cursors: dict[Turn, str] = {}

    def version(self) -> str:
        """What changes with every change of entries, pools and tiers."""
        return self._claims.version()

    def enlist(self, turn: Turn, members: Sequence[Member], *, version: str) -> None:
        """Makes the turn's members these, here too."""
        self._members[turn] = tuple(members)
        self._claims.enlist(turn, members, version=version)

    def claim(self, claim: Claim) -> Taken | Refused | Unlisted:
        """Takes a key, or hands one out uncounted."""
        try:
            return self._claims.claim(claim)
        except _AWAY as problem:
            taken = self._uncounted(claim, problem)
            self._say(f"⚠ {problem.what}: {taken.address} is lent without counting it.\n  {problem.hint}")
            self._cursors[claim.turn] = taken.address
            return taken

    def peek(self, claim: Claim) -> Taken | Refused | Unlisted:
        """What `claim` would answer, changing nothing."""
        try:
            return self._claims.peek(claim)
        except _AWAY as problem:
            return self._uncounted(claim, problem)

    def standings(self, turn: Turn) -> list[Standing]:
        """How each member stands; without the server nobody knows."""
        return self._claims.standings(turn)

    def rest(self, rest: Rest) -> None:
        """Begins or extends a cooldown; without the server there is nowhere to keep it, and that is said."""
        try:
            self._claims.rest(rest)
        except _AWAY as problem:
            self._say(f"⚠ {problem.what}: the cooldown of {rest.address or rest.org} is not kept.\n  {problem.hint}")

    def wake(self, address: str, feature: str = "") -> None:
        """Ends the cooldowns of a key and of its org."""
        self._claims.wake(address, feature)

    def resting(self) -> dict[str, int]:
        """The addresses that rest for every feature."""
        return self._claims.resting()

    def give_back(self, lease: str) -> None:
        """Takes back the uses of that lease; without the server they stay counted, which errs on the safe side."""
        try:
            self._claims.give_back(lease)
        except _AWAY as problem:
            self._say(f"⚠ {problem.what}: a use is not given back.\n  {problem.hint}")

    def _uncounted(self, claim: Claim, problem: KeychainError) -> Taken:
        members = self._members.get(claim.turn, ())
        candidates = [_candidate(each) for each in members if claim.only in ("", each.address)]
        choice = Choice(
            cursor=self._cursors.get(claim.turn, ""), seed=claim.seed, session=claim.session, wall=self._wall()
        )
        order = policy_named(claim.turn.policy)(candidates, choice)
        if order:
            return Taken(address=order[0].address)
        if claim.only and not members:
            return Taken(address=claim.only)
        raise problem


def _candidate(member: Member) -> Candidate:
    dated = member.expires_at < NEVER
    return Candidate(
        address=member.address,
        org=member.org,
        expires_at=member.expires_at if dated else None,
        weight=member.weight,
        key_set=member.key_set,
    )
