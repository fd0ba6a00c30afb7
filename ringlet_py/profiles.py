"""The profiles on disk: `~/.ringlet/profiles/<name>/ringlet.toml`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ringlet_py.document import Source
from ringlet_py.entry import check_name
from ringlet_py.errors import ProfileChanged, ProfileExists, ProfileInvalid, ProfileNotFound, RingletError
from ringlet_py.files.private import Lock, make_private_folder, write_private
from ringlet_py.files.trusted import read_trusted
from ringlet_py.profile.profile import Profile, read_profile
from ringlet_py.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable

    from ringlet_py.entry import Address

DOCUMENT = "ringlet.toml"


def _nothing(*_: str) -> None:
    """What is to be done first where nothing is."""


@dataclass(frozen=True)
class ProfileStore:
    """The folder that holds one folder for each profile."""

    root: str

    def folder(self, name: str) -> str:
        """The profile's own folder; raises InvalidName."""
        return os.path.join(self.root, check_name("profile", name))

    def path(self, name: str) -> str:
        """The profile's document."""
        return os.path.join(self.folder(name), DOCUMENT)

    def names(self) -> list[str]:
        """Every profile's name, sorted."""
        try:
            found = os.listdir(self.root)
        except FileNotFoundError:
            return []
        return sorted(name for name in found if os.path.isfile(os.path.join(self.root, name, DOCUMENT)))

    def text(self, name: str) -> str:
        """The document as it stands; raises ProfileNotFound with the nearest name."""
        try:
            return read_trusted(self.path(name))
        except PermissionError:
            raise ProfileInvalid(f"{self.path(name)} cannot be read", hint=f"ls -l {self.path(name)}") from None
        except FileNotFoundError:
            raise ProfileNotFound(
                f"there is no profile {name!r}",
                why=did_you_mean(name, self.names()),
                hint=f"ringlet profiles create {name} --agent AGENT --provider PROVIDER",
            ) from None

    def load(self, name: str) -> Profile:
        """The profile, checked; raises ProfileNotFound, ProfileInvalid."""
        return self.check(name, self.text(name))

    def summary(self, name: str) -> dict[str, str]:
        """One line about a profile; one that cannot be read says why."""
        try:
            profile = self.load(name)
        except RingletError as problem:
            return {"name": name, "agent": "", "provider": "", "key": "", "lease": "", "problem": problem.what}
        key = f"pool {profile.key_pool}" if profile.key_pool else str(profile.address)
        known = {"agent": profile.agent, "provider": profile.provider, "key": key, "lease": profile.lease}
        return {"name": name, **known, "problem": ""}

    def check(self, name: str, text: str) -> Profile:
        """The profile that the text is; raises ProfileInvalid with file and line."""
        return read_profile(name, Source(path=self.path(name), text=text, error=ProfileInvalid))

    def save(self, name: str, text: str, *, replace: bool = False, before: str | None = None) -> None:
        """Writes the document; an existing profile wants `replace` (ProfileExists).

        `before` is the text that the change began with: if it is another by now, ProfileChanged.
        """
        path = self.path(name)
        with self._lock():
            if before is not None and self.text(name) != before:
                raise ProfileChanged(f"the profile {name} was changed meanwhile")
            if not replace and os.path.lexists(path):
                raise ProfileExists(
                    f"the profile {name} exists already",
                    hint=f"add --replace, or change it: ringlet profiles edit {name}",
                )
            write_private(path, text.encode())

    def rename(self, name: str, new: str, *, first: Callable[..., object] = _nothing) -> None:
        """Gives the profile another name; its folder goes along.

        `first` is called with both names once nothing stands in the way: a grant must not outlive its profile.
        """
        target = self.folder(new)
        with self._lock():
            self.text(name)
            if os.path.lexists(target):
                raise ProfileExists(f"the profile {new} exists already", hint=f"ringlet profiles delete {new}")
            first(name, new)
            os.rename(self.folder(name), target)

    def delete(self, name: str, *, first: Callable[..., object] = _nothing) -> None:
        """Removes the profile's folder with all that is in it, after `first` was called with its name."""
        import shutil  # slow to import, and most commands delete nothing

        with self._lock():
            self.text(name)
            first(name)
            shutil.rmtree(self.folder(name))

    def using(self, address: Address) -> list[str]:
        """The profiles that name the key."""
        return [name for name in self.names() if self._uses(name, address)]

    def unreadable(self) -> list[str]:
        """The profiles that say nothing, since they are wrong or cannot be read."""
        return [name for name in self.names() if not self._is_readable(name)]

    def more_than_document(self, name: str) -> list[str]:
        """What else lies in the profile's folder (an isolated agent's own files)."""
        return sorted(other for other in os.listdir(self.folder(name)) if other != DOCUMENT)

    def _is_readable(self, name: str) -> bool:
        try:
            self.load(name)
        except RingletError:
            return False
        return True

    def _uses(self, name: str, address: Address) -> bool:
        try:
            profile = self.load(name)
        except RingletError:
            return False
        own = [] if profile.key_pool else [profile.address]
        return address in [*own, *(each.key() for each in profile.further.values())]

    def using_pool(self, pool: str) -> list[str]:
        """The readable profiles whose keys come from that pool."""
        readable = [name for name in self.names() if self._is_readable(name)]
        return [name for name in readable if self.load(name).key_pool == pool]

    def _lock(self) -> Lock:
        make_private_folder(self.root)
        return Lock(os.path.join(self.root, ".lock"))
