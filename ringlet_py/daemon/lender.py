"""Claims for the event loop: those that come together share a transaction, and one that waits holds up no other."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from ringlet_py.daemon.calls import Call, Gone, Waiter
from ringlet_py.daemon.threads import busy
from ringlet_py.errors import AuditUnwritable, KeychainTimeout, LedgerUnreachable, RingletError
from ringlet_py.tokens import Caller

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Sequence

    from ringlet_py.app import App
    from ringlet_py.daemon.calls import Answer, Asked, Asker
    from ringlet_py.daemon.metrics import Metrics
    from ringlet_py.lease import Lease, Request

MOST = 32  # claims in one transaction: what the last of them waits for the others is some milliseconds
WAITING = 256  # claims that wait for their group
SEALED = "sealed"
QUICK = (SEALED, "file")  # backends that ask nobody, so that no claim of a group waits for a person
_NOBODY = Caller(name="")
# what tells that another program has the ledger or the audit, or that a server does not answer
_IN_VAIN = (KeychainTimeout, LedgerUnreachable, AuditUnwritable)


class Lender:
    """`Broker.claim` for coroutines; `work` does something in a thread, `tend` also where too much waits for one."""

    def __init__(
        self, app: App, work: Callable[..., Awaitable[Any]], metrics: Metrics, *, tend: Callable[..., Awaitable[Any]]
    ) -> None:
        self.app = app
        self._work = work
        self._tend = tend
        self._metrics = metrics
        self._waiting: list[Call] = []
        self._draining: asyncio.Task[None] | None = None
        self._is_warm = False

    async def claim(self, request: Request) -> Lease:
        """As `Broker.claim`; what waits occupies no thread.  DaemonBusy, at once, if too many claims wait already."""
        return (await self.claim_as("", lambda _: request))[1]

    async def claim_as(self, token: str, asked: Asked) -> tuple[Call, Lease]:
        """The same for whoever holds the token, which is looked up together with others'; raises TokenRefused too."""
        asker = Waiter(token, asked)
        call = self.begin(asker)
        return call, await self.ended(call, await asker.told)

    def begin(self, asker: Asker) -> Call:
        """Begins such a claim, whose answer is for `ended` if it is no lease; DaemonBusy as above.

        The answer is told later, never before this returns.
        """
        if len(self._waiting) >= WAITING:
            raise busy("claims")
        call = Call(asker, self, self._metrics.steady())
        self._waiting.append(call)
        if self._draining is None:
            self._draining = asyncio.get_running_loop().create_task(self._drain())
        return call

    async def ended(self, call: Call, answer: Answer) -> Lease:
        """What a claim with this answer comes to, counted."""
        if isinstance(answer, Exception):
            self._metrics.claimed(call, problem=answer)
            raise answer
        try:
            lease = answer or await self._stepwise(call)
        except Exception as problem:
            self._metrics.claimed(call, problem=problem)
            raise
        self._metrics.claimed(call, lease)
        return lease

    async def _drain(self) -> None:
        """One group after the other: those who come while one is being answered are the next."""
        try:
            while self._waiting:
                await self._gathered()
                calls, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                answers = await self._answered(calls)
                if all(isinstance(answer, _IN_VAIN) for answer in answers):
                    calls, answers = self._with_those_behind(calls, answers)
                for lease in _told(calls, answers):  # when all of them have their answers
                    await self._given_back(lease)
        finally:
            self._draining = None

    async def _answered(self, calls: list[Call]) -> list[Answer]:
        """What each of the calls comes to; where all of them fail of what nobody foresaw, each is asked by itself."""
        try:
            return await self._at_once(calls) if self._is_at_once() else await self._in_thread(calls)
        except RingletError as problem:
            return [problem] * len(calls)
        except Exception as problem:  # noqa: BLE001 - it is told to those who wait
            if len(calls) == 1:
                return [problem]
        return [(await self._answered([call]))[0] for call in calls]

    def _with_those_behind(self, calls: list[Call], answers: list[Answer]) -> tuple[list[Call], list[Answer]]:
        """Who waits behind a group that waited in vain is told so too, and not after another wait."""
        behind, self._waiting = self._waiting, []
        return calls + behind, answers + [answers[0]] * len(behind)

    async def _given_back(self, lease: Lease) -> None:
        """Nobody is left to have the key."""
        with contextlib.suppress(Exception):  # a use too many does no harm, and others wait for their answers
            await self._tend(self.app.broker.release, lease)

    async def _gathered(self) -> None:
        """Lets those join who are on their way, as long as each turn of the loop brings more of them.

        However many wait already, the loop has a turn for all else between two groups.
        """
        here = 0
        while here < len(self._waiting):
            here = len(self._waiting)
            await asyncio.sleep(0)
            if len(self._waiting) >= MOST:
                return

    def _is_at_once(self) -> bool:
        """Whether a group may be answered in the event loop: it and a thread would keep each other waiting.

        Only if nothing in it can take long: the data keys are unwrapped, and nobody else has the ledger or the audit
        just now.
        """
        return self._is_warm and not self.app.kept.is_busy() and not self.app.audit.is_busy()

    async def _at_once(self, calls: list[Call]) -> list[Answer]:
        """In the event loop, which waits for nobody: who would have had to, waits in a thread after all."""
        try:
            with self.app.kept.hurrying():
                answers = _answers(self.app, calls)
        except KeychainTimeout:
            return await self._in_thread(calls)
        late = [call for call, answer in zip(calls, answers, strict=True) if isinstance(answer, KeychainTimeout)]
        if not late:
            return answers
        waited = iter(await self._waited(late))
        return [next(waited) if isinstance(answer, KeychainTimeout) else answer for answer in answers]

    async def _waited(self, calls: list[Call]) -> list[Answer]:
        """The same in a thread, its error an answer too: what others of the group have got already is theirs."""
        try:
            return await self._in_thread(calls)
        except Exception as problem:  # noqa: BLE001 - it is told to those who wait
            return [problem] * len(calls)

    async def _in_thread(self, calls: list[Call]) -> list[Answer]:
        answers: list[Answer] = await self._tend(_answers, self.app, calls)
        lent = any(answer and not isinstance(answer, Exception) for answer in answers)
        self._is_warm = self._is_warm or (lent and self.app.settings.backend == SEALED)
        return answers

    async def _stepwise(self, call: Call) -> Lease:
        assert call.request is not None  # noqa: S101 - who has an answer was understood
        claiming = call.app.broker.claiming(call.request)
        while True:
            found = await self._work(_step, claiming)
            if not isinstance(found, float):
                lease: Lease = found
                return lease
            await asyncio.sleep(found)


def _answers(app: App, calls: Sequence[Call]) -> list[Answer]:
    """What each of the calls comes to; no lease yet where waiting was asked for, or a person may have to be."""
    callers = {"": _NOBODY}
    found: dict[Call, Answer] = {}
    claims: dict[Call, Request] = {}
    for call in calls:
        try:
            token = call.asker.token
            if token not in callers:
                callers[token] = app.tokens.authenticate(token)
            call.caller = callers[token]
            if call.asker.is_gone():  # looked for after the token, of which a wrong one is recorded
                found[call] = Gone()
                continue
            call.request = request = call.asker.asked(call.caller)
        except RingletError as problem:
            found[call] = problem
            continue
        if request.wait or app.settings.backend not in QUICK:
            found[call] = None
        else:
            claims[call] = request
    if claims:
        found |= zip(claims, app.broker.claim_all(list(claims.values())), strict=True)
    return [found[call] for call in calls]


def _told(calls: Sequence[Call], answers: Sequence[Answer]) -> list[Lease]:
    """Gives each its answer; the leases for which nobody waited any more."""
    found: list[Lease] = []
    for call, answer in zip(calls, answers, strict=True):
        try:
            is_told = call.asker.tell(call, answer)
        except Exception as problem:  # noqa: BLE001 - no fault of those who come after; it is said by its kind
            said = {"message": "an answer could not be given", "exception": problem}
            asyncio.get_running_loop().call_exception_handler(said)
            continue
        if not is_told and answer and not isinstance(answer, Exception):
            found.append(answer)
    return found


def _step(claiming: Generator[float, None, Lease]) -> Lease | float:
    try:
        return float(next(claiming))
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
