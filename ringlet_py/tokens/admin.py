"""The admin token: in a file of its own, for its owner alone, and looked at anew at each request."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ringlet_py.errors import KeychainBroken, RingletError, StoreCorrupt
from ringlet_py.files.checks import quoted, reason
from ringlet_py.files.private import Lock, read_private, write_private
from ringlet_py.secret import Secret
from ringlet_py.tokens.caller import ADMIN
from ringlet_py.tokens.text import OF_ADMIN, is_token, new_token

if TYPE_CHECKING:
    from collections.abc import Callable

    from ringlet_py.audit import Recorder

    Stamp = tuple[int, ...]

FILE = "http_token"
_SETTLED = 2.0  # seconds; a younger file could be replaced without its stamp telling, as clocks of file systems tick


class AdminToken:
    """The token that may do everything, in the file at `path`; rotating needs no daemon, and none needs to be told.

    All raise InsecurePermissions for a file or folder that others could read or change, StoreCorrupt for one that
    holds something else, KeychainBroken if it cannot be read or written.
    """

    def __init__(self, path: str, *, audit: Recorder, clock: Callable[[], float]) -> None:
        self.path = path
        self._audit = audit
        self._clock = clock
        self._known: tuple[Stamp, Secret] | None = None

    def matches(self, text: str) -> bool:
        """Whether this is the admin token now; without a file none is.  The time it takes tells nothing of it."""
        if not is_token(text, OF_ADMIN):
            return False
        try:
            return self._current().same_as(Secret(text))
        except FileNotFoundError:
            return False

    def ensure(self) -> Secret:
        """The token, made if there is none yet."""
        try:
            return self._read()
        except FileNotFoundError:
            pass
        with self._lock():
            try:
                return self._read()  # another may have made it meanwhile
            except FileNotFoundError:
                return self._write("token-create")

    def rotate(self) -> Secret:
        """A new token, on disk when this returns; from the next request on the old one is refused.

        Also for a file that cannot be read or that others could have read: rotating is what mends it.
        """
        with self._lock():
            return self._write("token-rotate")

    def _lock(self) -> Lock:
        return Lock(f"{self.path}.lock")

    def _current(self) -> Secret:
        stamp, known = self._stamp(), self._known
        if known and known[0] == stamp:  # looked at once: another thread may replace it meanwhile
            return known[1]
        self._known = None
        secret = self._read()
        # the stamp was taken before reading: a file replaced in between is read again at the next request
        if stamp[-1] < (self._clock() - _SETTLED) * 1e9:
            self._known = (stamp, secret)
        return secret

    def _stamp(self) -> Stamp:
        """What differs once the file is another, or it or its folder is less private; its last change comes last.

        A new mode or owner is a change of the status too, whose time is the last.
        """
        try:
            folder, file = os.stat(os.path.dirname(self.path)), os.lstat(self.path)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise self._broken("read", error) from None
        of_folder = (folder.st_ino, folder.st_mode, folder.st_uid)
        return (*of_folder, file.st_ino, file.st_mode, file.st_uid, file.st_size, file.st_mtime_ns, file.st_ctime_ns)

    def _read(self) -> Secret:
        try:
            content = read_private(self.path)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise self._broken("read", error) from None
        text = content.removesuffix(b"\n").decode("ascii", "replace")
        if is_token(text, OF_ADMIN):
            return Secret(text)
        raise StoreCorrupt(f"{self.path} does not hold an admin token", hint="ringlet daemon rotate-token")

    def _write(self, action: str) -> Secret:
        secret = Secret(new_token(OF_ADMIN))
        try:
            write_private(self.path, f"{secret.reveal()}\n".encode())
        except OSError as error:
            problem: RingletError = self._broken("written", error)
        except RingletError as refused:
            problem = refused
        else:
            self._audit.append(action, "ok", purpose=ADMIN, secrets=(secret,))
            return secret
        self._audit.append(action, problem.code, purpose=ADMIN)
        raise problem

    def _broken(self, done: str, error: OSError) -> KeychainBroken:
        look = f"ls -ld {quoted(os.path.dirname(self.path))} {quoted(self.path)}"
        return KeychainBroken(f"{self.path} cannot be {done}", why=reason(error), hint=look)
