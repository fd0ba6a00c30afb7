"""The endpoints that `--endpoint` may name: those of the provider that was named, or of the profile's."""

from __future__ import annotations

import os

from ringlet_py import errors
from ringlet_py.completion.words import ENDPOINTS
from ringlet_py.entry import check_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ringlet_py.completion.place import Place
    from ringlet_py.files.folders import Folders


def endpoints(folders: Folders, place: Place) -> Iterable[str]:
    """The provider's, or all where nobody has said which provider it is; OSError where a profile cannot be read."""
    provider = place.provider or _provider_of_profile(folders, place)
    if provider:
        return ENDPOINTS.get(provider, ())
    return [name for found in ENDPOINTS.values() for name in found]


def _provider_of_profile(folders: Folders, place: Place) -> str:
    """The provider of the profile that was named; "" if none was, or it is not there yet."""
    if place.command != "profiles edit" or not place.values:
        return ""
    try:
        path = os.path.join(folders.profiles, check_name("profile", place.values[0]), "ringlet.toml")
    except errors.InvalidName:
        return ""
    if not os.path.isfile(path):
        return ""
    with open(path, encoding="utf-8", errors="replace") as file:
        found = [value for key, _, value in (line.partition("=") for line in file) if key.strip() == "provider"]
    return found[0].strip(" \"'\n") if found else ""
