"""Many requests at once: what the first place has for each is taken in one transaction, or one round trip."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringlet_py.errors import RingletError
from ringlet_py.ledger.claims import Taken
from ringlet_py.lending.turns import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ringlet_py.lease import Request
    from ringlet_py.ledger.claims import Claim, Refused, Unlisted
    from ringlet_py.lending.choosing import Lending
    from ringlet_py.lending.known import Chosen, Known
    from ringlet_py.lending.turns import Step


def choose_all(lending: Lending, requests: Sequence[Request]) -> list[Chosen | RingletError]:
    """Each as `Lending.attempt` does, its errors as answers; what is not settled at once is tried one by one."""
    known = lending.known()
    wishes = [_wish(lending, request, known) for request in requests]
    taken = iter(lending.claims.claim_all([wish[1] for wish in wishes if wish]))
    answers = [next(taken) if wish else None for wish in wishes]
    return [_chosen(lending, *each, known) for each in zip(requests, wishes, answers, strict=True)]


def _wish(lending: Lending, request: Request, known: Known) -> tuple[Step, Claim] | None:
    """What to ask the ledger for; None for what needs more than that."""
    if request.address is not None or lending.missing.now(lending.steady()):
        return None
    try:
        looked = lending.steps_of(request, known)
    except RingletError:  # which is raised again, and told, when it is tried by itself
        return None
    step = next((one for one in looked if known.has_members(one)), None)
    if step is None or step.kind == ENVIRONMENT:
        return None
    return step, lending.claim_of(step, request, known)


def _chosen(
    lending: Lending,
    request: Request,
    wish: tuple[Step, Claim] | None,
    answer: Taken | Refused | Unlisted | None,
    known: Known,
) -> Chosen | RingletError:
    if wish and isinstance(answer, Taken):
        step, claim = wish
        return lending.chosen(step, request, claim.lease, entry=known.entries[answer.address], taken=answer)
    try:
        return lending.attempt(request)
    except RingletError as problem:
        return problem
