"""The record of who asked for which key: one chained JSON line per access, and never a value in it.

`log` appends (launching uses it), `chain` is the format, `recovery` mends what a killed writer left,
`reading` lists, `verify` finds what was edited, removed, reordered or cut off.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from ringlet_py.audit.lenient import LenientAudit
    from ringlet_py.audit.log import Audit

    Recorder: TypeAlias = Audit | LenientAudit
