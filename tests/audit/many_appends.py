"""Run as a program by test_processes: appends records as fast as it can.

Arguments: the folder, a name for this writer, how many records, the size at which files are put aside, a file that
gets one byte for each record that was acknowledged, and whether the log is held open (`held`).
"""

from __future__ import annotations

import os
import sys
import time

from ringlet_py.audit.held import HeldAudit
from ringlet_py.audit.log import Audit


def main(folder: str, name: str, count: str, max_size: str, acknowledged: str, kind: str) -> None:
    fd = os.open(acknowledged, os.O_WRONLY | os.O_CREAT)
    made = HeldAudit if kind == "held" else Audit
    audit = made(folder, enabled=True, max_size=int(max_size), clock=time.time)
    for number in range(int(count)):
        audit.append("claim", "ok", address=f"anthropic/{name}", purpose=f"{number}")
        os.write(fd, b".")


if __name__ == "__main__":
    main(*sys.argv[1:])
