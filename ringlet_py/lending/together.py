"""Many requests at once: what the first place has for each is taken in one transaction, or one round trip."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ringlet_py.errors import KeychainTimeout, LedgerMissing, LedgerUnreachable, RingletError
from ringlet_py.ledger.claims import Refused, Taken
from ringlet_py.lending.choosing import ID_LENGTH
from ringlet_py.lending.known import chosen_of
from ringlet_py.lending.turns import ENVIRONMENT
from ringlet_py.lending.walking import Told

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ringlet_py.lease import Request
    from ringlet_py.ledger.claims import Claim, Standing, Turn, Unlisted
    from ringlet_py.lending.choosing import Lending
    from ringlet_py.lending.known import Chosen, Known
    from ringlet_py.lending.turns import Step

    Answer = Taken | Refused | Unlisted | RingletError
    Standings = dict[Turn, Sequence[Standing]]

_OF_ALL = (KeychainTimeout, LedgerMissing, LedgerUnreachable)  # what keeps the ledger from answering anybody


@dataclass(frozen=True, slots=True)
class _Wish:
    """What a request asks the ledger for each time it is made, with what was known then."""

    step: Step
    claim: Claim
    known: Known


def choose_all(lending: Lending, requests: Sequence[Request]) -> list[Chosen | RingletError]:
    """Each as `Lending.attempt` does, its errors as answers; who is refused is not asked for again.

    A request may be there several times, and what it asks for is found out once.

    Raises what keeps the ledger from answering any of them.
    """
    known = lending.known()
    alike = {request: _wish(lending, request, known) for request in dict.fromkeys(requests)}
    wishes = [alike[request] for request in requests]
    claims = _claims(lending, [wish.claim for wish in wishes if isinstance(wish, _Wish)])
    answers = zip(claims, _answers(lending, claims), strict=True)
    standings: Standings = {}  # of turns that refuse several of them, read once
    found: list[Chosen | RingletError] = []
    for request, wish in zip(requests, wishes, strict=True):
        if isinstance(wish, RingletError):
            found.append(wish)
        elif wish is None:
            found.append(_alone(lending, request, Told(standings=standings)))
        else:
            found.append(_settled(lending, request, wish, next(answers), standings))
    return found


def _wish(lending: Lending, request: Request, known: Known) -> _Wish | RingletError | None:
    """What to ask the ledger for; None for what needs more than that."""
    if request.address is not None or lending.missing.now(lending.steady()):
        return None
    try:
        looked = lending.steps_of(request, known)
    except RingletError as problem:
        return problem
    step = next((one for one in looked if known.has_members(one)), None)
    if step is None or step.kind == ENVIRONMENT:
        return None
    return _Wish(step, lending.claim_of(step, request, known), known)


def _claims(lending: Lending, alike: Sequence[Claim]) -> list[Claim]:
    """The same, each under an id and with a seed of its own, drawn at once: seeds may follow each other."""
    drawn, width = os.urandom(ID_LENGTH * len(alike)).hex(), 2 * ID_LENGTH
    seed = int(lending.random() * 2**31)
    return [
        claim._replace(lease=drawn[number * width : (number + 1) * width], seed=seed + number)
        for number, claim in enumerate(alike)
    ]


def _answers(lending: Lending, claims: Sequence[Claim]) -> Sequence[Answer]:
    """What the ledger answers to each; what is wrong with one of them is no other's fault, so each is asked alone."""
    if not claims:
        return []
    try:
        return lending.claims.claim_all(claims)
    except _OF_ALL:
        raise
    except RingletError:
        pass  # and forgotten, with what it keeps open, before the next is asked for
    return [_answer(lending, claim) for claim in claims]


def _answer(lending: Lending, claim: Claim) -> Answer:
    try:
        return lending.claims.claim(claim)
    except RingletError as problem:
        return problem.with_traceback(None)  # which would keep open what was being read


def _settled(
    lending: Lending, request: Request, wish: _Wish, asked: tuple[Claim, Answer], standings: Standings
) -> Chosen | RingletError:
    claim, answer = asked
    if isinstance(answer, RingletError):
        return answer
    if isinstance(answer, Taken):
        entry = wish.known.entries[answer.address]
        return chosen_of(wish.step, request, claim.lease, entry=entry, taken=answer, clock=lending.clock)
    told = Told(wish.step, answer if isinstance(answer, Refused) else None, standings)
    return _alone(lending, request, told)


def _alone(lending: Lending, request: Request, told: Told) -> Chosen | RingletError:
    try:
        return lending.attempt(request, told)
    except RingletError as problem:
        return problem
