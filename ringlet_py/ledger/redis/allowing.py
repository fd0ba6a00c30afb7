"""Claims that go on without their server, uncounted: what `[ledger] on-error = "allow"` chooses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringlet_py.errors import KeychainTimeout, LedgerUnreachable
from ringlet_py.ledger.claims import OF_THE_VALUE, Member, Refused, Taken
from ringlet_py.limits import NEVER
from ringlet_py.pool import Candidate, Choice, policy_named

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ringlet_py.errors import KeychainError
    from ringlet_py.ledger.claims import Claim, Claims, Rest, Standing, Turn, Unlisted
    from ringlet_py.scope import Bearer

_AWAY = (LedgerUnreachable, KeychainTimeout)


class AllowingClaims:
    """The claims of that engine; while it cannot be reached, keys are handed out by the policy and nothing is counted.

    Such an answer says `remaining=-1` and `now=0`.  Of a turn that this process has enlisted, it is one of its members;
    of any other only a claim of a single address (`only`) is answered.  A key of which it was said here that no waiting
    helps is not handed out (see `_Unusable`).  Where there is none, and for whoever asks with a token, the claim fails
    as it would without this.
    `wall` is the time in milliseconds since 1970.
    """

    def __init__(self, claims: Claims, *, say: Callable[[str], None], wall: Callable[[], int]) -> None:
        self._claims = claims
        self._say = say
        self._wall = wall
        self._members: dict[Turn, tuple[Member, ...]] = {}
        self._cursors: dict[Turn, str] = {}
        self._unusable = _Unusable()

    def version(self) -> str:
        """What changes with every change of entries, pools and tiers."""
        return self._claims.version()

    def enlist(self, turn: Turn, members: Sequence[Member], *, version: str) -> None:
        """Makes the turn's members these, here too."""
        self._members[turn] = tuple(members)
        self._claims.enlist(turn, members, version=version)

    def claim(self, claim: Claim) -> Taken | Refused | Unlisted:
        """Takes a key, or hands one out uncounted."""
        return self.claim_all([claim])[0]

    def claim_all(self, claims: Sequence[Claim]) -> list[Taken | Refused | Unlisted]:
        """The same of each; all fail if one of them can only fail."""
        try:
            answers = self._claims.claim_all(claims)
        except _AWAY as problem:
            if any(claim.bearers for claim in claims):
                raise  # a limit may be let go, but nobody knows whether a token was revoked
            return self._handed_out(claims, problem)
        for claim, answer in zip(claims, answers, strict=True):
            self._unusable.hear(claim, answer, self._members.get(claim.turn, ()))
        return answers

    def peek(self, claim: Claim) -> Taken | Refused | Unlisted:
        """What `claim` would answer, changing nothing."""
        try:
            return self._claims.peek(claim)
        except _AWAY as problem:
            if claim.bearers:
                raise
            return self._uncounted(claim, problem)

    def standings(self, turn: Turn, *, most: int = 0) -> list[Standing]:
        """How each member stands; without the server nobody knows."""
        found = self._claims.standings(turn, most=most)
        self._unusable.hear_standings(turn, found)
        return found

    def left(self, bearers: Sequence[Bearer]) -> list[list[int]]:
        """What each of these tokens' rates still allows; without the server nobody knows."""
        return self._claims.left(bearers)

    def rest(self, rest: Rest) -> None:
        """Begins or extends a cooldown; without the server only this process knows of it, and that is said."""
        self._unusable.rest(rest)
        try:
            self._claims.rest(rest)
        except _AWAY as problem:
            self._say(f"⚠ {problem.what}: the cooldown of {rest.address or rest.org} is not kept.\n  {problem.hint}")

    def wake(self, address: str, feature: str = "") -> None:
        """Ends the cooldowns of a key and of its org."""
        self._claims.wake(address, feature)
        self._unusable.wake(address, self._orgs(address), feature)

    def renewed(self, address: str) -> None:
        """The key has a new value."""
        self._claims.renewed(address)
        self._unusable.renewed(address)

    def renamed(self, old: str, new: str) -> None:
        """The key has another address."""
        self._claims.renamed(old, new)
        self._unusable.renamed(old, new)

    def resting(self) -> dict[str, int]:
        """The addresses that rest for every feature."""
        return self._claims.resting()

    def give_back(self, lease: str) -> None:
        """Takes back the uses of that lease; without the server they stay counted, which errs on the safe side."""
        try:
            self._claims.give_back(lease)
        except _AWAY as problem:
            self._say(f"⚠ {problem.what}: a use is not given back.\n  {problem.hint}")

    def _orgs(self, address: str) -> set[str]:
        return {each.org for members in self._members.values() for each in members if each.address == address}

    def _handed_out(self, claims: Sequence[Claim], problem: KeychainError) -> list[Taken | Refused | Unlisted]:
        handed_out: list[Taken | Refused | Unlisted] = []
        for claim in claims:
            taken = self._uncounted(claim, problem)
            self._cursors[claim.turn] = taken.address
            self._say(f"⚠ {problem.what}: {taken.address} is lent without counting it.\n  {problem.hint}")
            handed_out.append(taken)
        return handed_out

    def _uncounted(self, claim: Claim, problem: KeychainError) -> Taken:
        turn = claim.turn
        # what was enlisted here and is no member now, was taken out: only of others nothing is known
        unlisted = (Member(address=claim.only),) if claim.only else ()
        members = self._members.get(turn, unlisted)
        candidates = [
            _candidate(each)
            for each in members
            if claim.only in ("", each.address) and not self._unusable.has(each, turn.feature)
        ]
        choice = Choice(cursor=self._cursors.get(turn, ""), seed=claim.seed, session=claim.session, wall=self._wall())
        order = policy_named(turn.policy)(candidates, choice)
        if order:
            return Taken(address=order[0].address)
        raise problem


class _Unusable:
    """The keys of which this process was told or has told that no waiting makes them usable, by address or org."""

    def __init__(self) -> None:
        # address (or provider and org) and feature, "" for all: why it rests, until a person says otherwise
        self._resting: dict[tuple[str, str], str] = {}
        # address and feature: refused for good, or used up
        self._spent: set[tuple[str, str]] = set()

    def has(self, member: Member, feature: str) -> bool:
        """Whether it is one of them for that feature."""
        marks = _marks([member.address, *_named(member.address, {member.org})], feature)
        return any(mark in self._resting or mark in self._spent for mark in marks)

    def rest(self, rest: Rest) -> None:
        """A cooldown was to begin; one that ends by itself is not kept."""
        if rest.milliseconds >= NEVER or (rest.milliseconds == 0 and rest.until >= NEVER):
            self._resting[(rest.address or f"{rest.provider}:{rest.org}", rest.feature)] = rest.why

    def wake(self, address: str, orgs: set[str], feature: str) -> None:
        """The cooldowns of the key and of these orgs are over, for that feature or for all."""
        subjects = {address, *_named(address, orgs)}
        for mark in list(self._resting):
            if mark[0] in subjects and feature in ("", mark[1]):
                del self._resting[mark]

    def renewed(self, address: str) -> None:
        """The key has a new value."""
        for mark, why in list(self._resting.items()):
            if mark[0] == address and why in OF_THE_VALUE:
                del self._resting[mark]

    def renamed(self, old: str, new: str) -> None:
        """The key has another address."""
        for subject, feature in [mark for mark in self._resting if mark[0] == old]:
            self._resting[(new, feature)] = self._resting.pop((subject, feature))
        self._spent = {(new if subject == old else subject, feature) for subject, feature in self._spent}

    def hear(self, claim: Claim, answer: Taken | Refused | Unlisted, members: Sequence[Member]) -> None:
        """What the server answered: it knows better."""
        feature = claim.turn.feature
        if isinstance(answer, Taken):
            member = next((each for each in members if each.address == answer.address), None)
            self._hear_taken(answer, member, feature)
        elif isinstance(answer, Refused) and answer.retry_at >= NEVER and answer.reason in ("none", "members"):
            refused = [claim.only] if claim.only else [each.address for each in members]
            self._spent.update((address, feature) for address in refused)

    def hear_standings(self, turn: Turn, standings: Sequence[Standing]) -> None:
        """The same of each member of a turn."""
        for each in standings:
            self._spent.difference_update(_marks([each.address], turn.feature))
            if each.ready_at >= NEVER:
                self._spent.add((each.address, "" if each.why == "own" else turn.feature))

    def _hear_taken(self, taken: Taken, member: Member | None, feature: str) -> None:
        subjects = [taken.address, *(_named(taken.address, {member.org}) if member else ())]
        for mark in _marks(subjects, feature):
            self._resting.pop(mark, None)
            self._spent.discard(mark)
        if taken.remaining == 0 and member is not None and any(rate.is_lifetime for rate in member.own):
            self._spent.add((taken.address, ""))
        if taken.remaining == 0 and member is not None and any(rate.is_lifetime for rate in member.rates):
            self._spent.add((taken.address, feature))


def _marks(subjects: list[str], feature: str) -> list[tuple[str, str]]:
    return [(subject, its) for subject in subjects for its in ("", feature)]


def _named(address: str, orgs: set[str]) -> list[str]:
    """The orgs with their provider: no address has a colon."""
    return [f"{address.partition('/')[0]}:{org}" for org in orgs if org]


def _candidate(member: Member) -> Candidate:
    dated = member.expires_at < NEVER
    return Candidate(
        address=member.address,
        org=member.org,
        expires_at=member.expires_at if dated else None,
        weight=member.weight,
        key_set=member.key_set,
    )
