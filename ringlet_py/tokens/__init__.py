"""Who may call: the admin token in its file, and tokens for callers in the ledger, of which only a digest is kept.

`text` is what a token looks like, `caller` who holds one, `terms` what it allows, `admin` the file; `service` makes,
changes and recognises tokens, with `making` and `tree`; `made` puts it together.
None of it needs the daemon, a login or a keychain.
"""

from __future__ import annotations

from ringlet_py.tokens.admin import AdminToken as AdminToken
from ringlet_py.tokens.caller import Caller as Caller
from ringlet_py.tokens.service import TokenService as TokenService
