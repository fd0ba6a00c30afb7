"""From place to place until one has a key for the request; else why none was lent, as the ledger told it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ringlet_py.errors import UsageError
from ringlet_py.ledger.claims import Refused, Taken, Unlisted
from ringlet_py.lending import refusals
from ringlet_py.lending.surroundings import chosen_from_environment, counting_environment
from ringlet_py.lending.turns import ENVIRONMENT, is_callers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ringlet_py.errors import PoolExhausted
    from ringlet_py.lease import Request
    from ringlet_py.ledger.claims import Standing, Turn
    from ringlet_py.lending.choosing import Lending
    from ringlet_py.lending.known import Chosen, Known
    from ringlet_py.lending.turns import Step


@dataclass(slots=True)
class Told:
    """What the ledger has told already: its answer for a place (`step`), and how the first keys of turns stand."""

    step: Step | None = None
    answer: Refused | None = None
    standings: dict[Turn, Sequence[Standing]] = field(default_factory=dict)


class Walk:
    """One request on its way through the places where a key may be, with what was known when it set out."""

    def __init__(self, lending: Lending, request: Request, known: Known, told: Told) -> None:
        self._lending = lending
        self._request = request
        self._known = known
        self._told = told

    def through(self, looked: Sequence[Step]) -> Chosen | Unlisted:
        """The key of the first place that has one; Unlisted where what was known is old.  Raises why there is none."""
        refused: tuple[Step, Refused] | None = None
        exhausted: dict[str, PoolExhausted] = {}  # by provider, of which a feature may have several
        for step in looked:
            if not self._known.has_members(step) or step.kind == ENVIRONMENT or step.pool.provider in exhausted:
                continue
            answer = self._answer(step)
            if not isinstance(answer, Refused):
                return answer
            if not refusals.goes_on(answer):
                exhausted[step.pool.provider] = self._exhausted(step, answer)
                continue
            refused = refused if answer.reason == "none" else (step, answer)
        if exhausted:
            raise min(exhausted.values(), key=lambda problem: problem.retry_at)
        if refused is None and self._lending.is_old(self._known):
            return Unlisted()
        return self._from_environment(looked) or self._none(looked, refused)

    def _answer(self, step: Step) -> Chosen | Refused | Unlisted:
        if step is self._told.step and self._told.answer is not None:
            return self._told.answer
        claim = self._lending.claim_of(step, self._request, self._known)
        answer = self._lending.answer(claim, step, self._request, self._known)
        if not isinstance(answer, Taken):
            return answer
        entry = self._known.entries[answer.address]
        return self._lending.chosen(step, self._request, claim.lease, entry=entry, taken=answer)

    def _exhausted(self, step: Step, answer: Refused) -> PoolExhausted:
        standings = self._standings(step) if answer.reason == "members" else ()
        return refusals.exhausted(step, self._request, answer, standings, now=self._lending.clock())

    def _from_environment(self, looked: Sequence[Step]) -> Chosen | Unlisted | None:
        """The environment's key, counted on the tokens that it is asked for with; None where there is none."""
        for step in looked:
            found = chosen_from_environment(step, self._lending.catalog, self._lending.environ)
            if found is not None:
                return self._counted(step, found) if self._request.bearers else found
        return None

    def _counted(self, step: Step, found: Chosen) -> Chosen | Unlisted:
        claim = counting_environment(self._lending.claim_of(step, self._request, self._known), step)
        answer = self._lending.answer(claim, step, self._request, self._known)
        if isinstance(answer, Unlisted):
            return answer
        if isinstance(answer, Refused):
            raise refusals.exhausted(step, self._request, answer, (), now=self._lending.clock())
        known = {"id": claim.lease, "feature": self._request.feature, "remaining": answer.remaining}
        return found._replace(lease=claim.lease, known={**found.known, **known})

    def _none(self, looked: Sequence[Step], refused: tuple[Step, Refused] | None) -> Chosen:
        """Raises why there is no key that any waiting could free."""
        if not looked:
            raise UsageError("every place where a key could be looked for is switched off")
        request, now, entries = self._request, self._lending.clock(), self._known.entries
        last = next((one for one in reversed(looked) if one.kind != ENVIRONMENT), looked[-1])
        step, answer = refused or (last, None)
        standings = self._standings(step) if answer else ()
        members = answer.members if answer else 0
        if request.address is not None:
            raise refusals.unusable(request.address, entries[step.only], standings, now=now)
        refusals.check_scope(looked, request, entries.values(), now=now)
        problem = refusals.empty(step, self._known, standings, members, catalog=self._lending.catalog, now=now)
        raise refusals.for_caller(problem, standings, members) if is_callers(request) else problem

    def _standings(self, step: Step) -> Sequence[Standing]:
        """How those of its keys stand that an error tells of."""
        turn = step.turn(self._request.feature)
        if turn not in self._told.standings:
            self._told.standings[turn] = self._lending.standings(turn, most=refusals.SHOWN)
        return self._told.standings[turn]
