"""The entries of `pass` whose names look like keys; gpg, which may ask the person, reads one only when it is wanted."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import partial
from typing import TYPE_CHECKING

from ringlet_py.errors import (
    InvalidSecret,
    KeychainAbsent,
    KeychainBroken,
    KeychainDenied,
    KeychainError,
    KeychainLocked,
    KeychainTimeout,
)
from ringlet_py.files.checks import quoted
from ringlet_py.moving.stores import Candidate
from ringlet_py.moving.stores.naming import Naming
from ringlet_py.moving.stores.reading import below
from ringlet_py.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ringlet_py.profile.provider import Provider

_ENDING = ".gpg"
_PATIENCE = 120.0  # seconds for a person to type a passphrase
_MOST_SEALED = 64 * 1024  # bytes; a key is shorter by far
_CANCELLED = 99  # GPG_ERR_CANCELED, in the lower 16 bits of the code that gpg's status tells


def store_folder(home: str, environ: Mapping[str, str]) -> str:
    """Where pass keeps its entries."""
    return environ.get("PASSWORD_STORE_DIR") or os.path.join(home, ".password-store")


class PasswordStore:
    """The entries in that folder, found by their names alone."""

    def __init__(self, folder: str, environ: Mapping[str, str], providers: Mapping[str, Provider]) -> None:
        self.folder = folder
        self._environ = environ
        self._naming = Naming(providers)

    def finds(self) -> tuple[list[Candidate], list[str]]:
        """The entries, in order of their names; no value is read."""
        found = [self._candidate(name) for name in self._names() if self._is_likely(name)]
        if not found:
            return [], []
        asking = "their values are read when they are moved, and gpg may ask for your passphrase then"
        return found, [f"{self.folder}: {len(found)} entries look like keys by their names; {asking}"]

    def _names(self) -> list[str]:
        files = [os.path.relpath(path, self.folder) for path in below(self.folder) if path.endswith(_ENDING)]
        return [path.removesuffix(_ENDING).replace(os.sep, "/") for path in files]

    def _is_likely(self, name: str) -> bool:
        return bool(self._naming.provider(name)) or self._naming.means_key(name)

    def _candidate(self, name: str) -> Candidate:
        provider = self._naming.provider(name)
        return Candidate(
            place=self.folder,
            name=self._naming.shown(name),
            value=None,
            provider=provider,
            alias=self._naming.alias(name),
            remove=self._naming.removal(f"pass rm {quoted(name)}"),
            later=partial(self._read, name, provider),
        )

    def _read(self, name: str, provider: str) -> Secret:
        """The first line of the entry, where pass has the password."""
        raw = self._decrypted(os.path.join(self.folder, name + _ENDING), self._naming.shown(name))
        secret = Secret.from_input(raw.partition(b"\n")[0])
        if not self._naming.means_key(name) and not self._naming.could_be_key(secret, provider):
            raise InvalidSecret(f"{self._naming.shown(name)} does not read as a key of {provider}")
        return secret

    def _decrypted(self, path: str, shown: str) -> bytes:
        if not os.path.isfile(path) or os.path.getsize(path) > _MOST_SEALED:
            raise KeychainBroken(f"{shown} is gone, or too large for a key", hint=f"ls -l {quoted(path)}")
        options = self._environ.get("PASSWORD_STORE_GPG_OPTS", "").split()  # as pass itself splits them
        done = self._gpg(*options, "--quiet", "--status-fd", "2", "--decrypt", path, shown=shown)
        if done.returncode:
            raise self._refused(shown, done.stderr)
        return done.stdout

    def _gpg(self, *arguments: str, shown: str) -> subprocess.CompletedProcess[bytes]:
        path = self._environ.get("PATH", os.defpath)
        program = shutil.which("gpg2", path=path) or shutil.which("gpg", path=path)
        if not program:
            raise KeychainAbsent("the entries of pass need gpg, which is not on PATH", hint="install GnuPG")
        command = [program, "--batch", *arguments]
        try:
            return subprocess.run(command, env=dict(self._environ), capture_output=True, timeout=_PATIENCE, check=False)
        except subprocess.TimeoutExpired:
            # without its cause, which may hold what was decrypted so far
            raise KeychainTimeout(f"gpg did not open {shown} within {_PATIENCE:g} s") from None
        except OSError as error:
            raise KeychainBroken("gpg cannot be started", why=error.strerror or "") from None

    def _refused(self, shown: str, status: bytes) -> KeychainError:
        """Why gpg gave nothing, by its status lines: its messages are in the person's language."""
        what, hint = f"gpg could not open {shown}", f"see what gpg says: pass show {quoted(shown)}"
        told = _told(status)
        if not told.get("ENC_TO"):
            return KeychainBroken(what, why="it is not as pass writes it", hint=hint)
        if _was_cancelled(told.get("ERROR", [])):
            return KeychainDenied(f"gpg was not given the passphrase for {shown}")
        # gpg itself says of a key that it may not use the same as of one that it has not
        if self._gpg("--list-secret-keys", told["ENC_TO"][0], shown=shown).returncode:
            return KeychainBroken(what, why="the secret key for it is not here", hint=hint)
        return KeychainLocked(what, why="its secret key is locked", hint=hint)


def _was_cancelled(problem: list[str]) -> bool:
    return len(problem) > 1 and problem[1].isdecimal() and int(problem[1]) & 0xFFFF == _CANCELLED


def _told(status: bytes) -> dict[str, list[str]]:
    """The words of each kind of status line, of the last such line."""
    lines = [line.split()[1:] for line in status.decode(errors="replace").splitlines() if line.startswith("[GNUPG:] ")]
    return {line[0]: line[1:] for line in lines if line}
