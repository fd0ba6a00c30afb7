"""Asks a provider whether a key works, with its cheapest request, and nobody else.

`places` says where the question goes, `asking` sends it, `verdicts` judges the answer, `service` does all three and has
the key claimed and the outcome recorded.
"""

from __future__ import annotations

from ringlet_py.checking.service import Checking as Checking
