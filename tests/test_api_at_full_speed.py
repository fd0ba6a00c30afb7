"""Programs claim as fast as they can, in threads and processes: no record is lost, and no use too many is lent."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from ringlet_py import Ringlet
from ringlet_py.audit.reading import Query, find
from ringlet_py.audit.verify import verify

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="looks for the folders of POSIX")]

PROCESSES, THREADS, CLAIMS = 4, 5, 5000
SPARE = 1000
WORKER = """
import sys, threading
from ringlet_py import Ringlet, errors

folder, name, threads, claims = sys.argv[1:]
ringlet = Ringlet({}, home=folder)
lent = []

def work(thread):
    for number in range(int(claims)):
        with ringlet.claim("openai", purpose=f"{name} {thread} {number}") as lease:
            lent.append(lease.secret.length)

workers = [threading.Thread(target=work, args=(each,)) for each in range(int(threads))]
for each in workers:
    each.start()
for each in workers:
    each.join()
print(len(lent))
"""


def test_a_hundred_thousand_claims_leave_a_hundred_thousand_records(tmp_path: Path):
    config = tmp_path / ".config/ringlet"
    config.mkdir(parents=True, mode=0o700)
    # with the default size the audit is put aside a few times meanwhile
    (config / "config.toml").write_text('[credentials]\nbackend = "sealed"\n\n[sealed]\nmaster-key = "file"\n')
    total = PROCESSES * THREADS * CLAIMS
    with Ringlet({}, home=tmp_path) as ringlet:
        for alias in ("a", "b", "c", "d"):
            ringlet.add("openai", alias, f"sk-proj-{alias * 48}", force=True, max_uses=str((total + SPARE) // 4))
    arguments = [(str(tmp_path), f"p{number}", str(THREADS), str(CLAIMS)) for number in range(PROCESSES)]
    root = str(Path(__file__).parents[1])

    running = [
        subprocess.Popen([sys.executable, "-c", WORKER, *each], stdout=subprocess.PIPE, cwd=root) for each in arguments
    ]
    try:
        lent = [int(process.communicate(timeout=500)[0]) for process in running]
    finally:
        for process in running:
            process.kill()

    state = str(tmp_path / ".local/state/ringlet")
    purposes = Counter(record["purpose"] for record in find(state, Query(action="claim", outcome="ok")))
    assert sum(lent) == total
    assert len(purposes) == purposes.total() == total
    assert verify(state).problems == []
    with Ringlet({}, home=tmp_path) as ringlet:
        states = ringlet.explain("openai")[0].keys
        assert sum(left for each in states for _, left in each.left) == SPARE
