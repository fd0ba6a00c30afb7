"""The gate: `claim` is the only way a key leaves, and it is written down before the key is handed over."""

from __future__ import annotations

from ringlet_py import errors
from ringlet_py.lease import Lease

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringlet_py.audit import Recorder
    from ringlet_py.backends import Backend
    from ringlet_py.lease import Request
    from ringlet_py.secret import Secret


class Broker:
    """Lends keys out of one backend and records every attempt."""

    __slots__ = ("_audit", "_backend")

    def __init__(self, backend: Backend, audit: Recorder) -> None:
        self._backend = backend
        self._audit = audit

    def claim(self, request: Request) -> Lease:
        """The lease for the request; every refusal is recorded too.

        Raises KeyNotFound, the KeychainError that fits, and AuditUnwritable: what cannot be recorded is
        not handed over.
        """
        try:
            secret = self._backend.get(request.address)
        except errors.RingletError as problem:
            self._record(request, problem.code)
            raise
        self._record(request, "ok", secret)
        return Lease(request.address, backend=self._backend.name, secret=secret)

    def _record(self, request: Request, outcome: str, *secrets: Secret) -> None:
        self._audit.append(
            "claim",
            outcome,
            address=str(request.address),
            backend=self._backend.name,
            profile=request.profile,
            agent=request.agent,
            purpose=request.purpose,
            secrets=secrets,
        )
