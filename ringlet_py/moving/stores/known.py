"""The other tools' stores that are on this machine."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from ringlet_py.backends.system.others import OTHERS
from ringlet_py.errors import KeychainError
from ringlet_py.ledger.elsewhere import looking
from ringlet_py.moving.stores.envchain import Envchain
from ringlet_py.moving.stores.exports import EXPORTS, Exports
from ringlet_py.moving.stores.go_keyring import GoKeyring
from ringlet_py.moving.stores.keychain_items import KeychainItems
from ringlet_py.moving.stores.keypooler import FILES as POOLS
from ringlet_py.moving.stores.keypooler import Keypooler, is_pool
from ringlet_py.moving.stores.keyring_file import KeyringFile, keyring_folder
from ringlet_py.moving.stores.llm import LlmKeys, keys_file
from ringlet_py.moving.stores.password_store import PasswordStore, store_folder
from ringlet_py.moving.stores.plain_items import PlainItems
from ringlet_py.moving.stores.reading import below
from ringlet_py.moving.stores.simple_keystore import FILE as KEYSTORE
from ringlet_py.moving.stores.simple_keystore import SimpleKeystore, is_keystore

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ringlet_py.moving.stores import Store
    from ringlet_py.profile.provider import Provider

_DATABASES = (".db", ".sqlite", ".sqlite3")


def stores(
    *,
    home: str,
    environ: Mapping[str, str],
    providers: Mapping[str, Provider],
    now: float,
    folders: Sequence[str] = (),
    platform: str = "",
) -> list[Store]:
    """The stores whose files or service are there; no key is read yet.

    `home` is the absolute home folder, `now` in seconds since 1970, `platform` what `sys.platform` says ("" for this
    one).  `folders` are those below which databases and exports are looked for; in the home folder itself they are
    looked for too.
    """
    system = platform or sys.platform
    found: list[Store] = []
    if os.path.lexists(path := keys_file(home, environ, system)):
        found.append(LlmKeys(path, providers))
    if os.path.isdir(path := keyring_folder(home, environ, system)):
        found.append(KeyringFile(path, providers))
    if os.path.isdir(path := store_folder(home, environ)):
        found.append(PasswordStore(path, environ, providers))
    if system in OTHERS:
        found.append(KeychainItems(OTHERS[system], providers))
    else:
        found += [PlainItems(environ, providers), Envchain(environ, providers), GoKeyring(home, environ, providers)]
    files = list(dict.fromkeys(_files(home, folders)))
    for path in files:
        found += database(path, home=home, environ=environ, providers=providers, now=now)
    return [*found, Exports([path for path in files if _is_export(os.path.basename(path))], home, providers)]


def database(
    path: str, *, home: str, environ: Mapping[str, str], providers: Mapping[str, Provider], now: float
) -> list[Store]:
    """The store that the file (absolute path) is by its name or, if it is some database, by its tables; else none."""
    name = os.path.basename(path)
    tables = _tables(path) if name.endswith(_DATABASES) and name not in (KEYSTORE, *POOLS) else {}
    if name == KEYSTORE or is_keystore(tables):
        return [SimpleKeystore(path, home=home, environ=environ, providers=providers, now=now)]
    if name in POOLS or is_pool(tables):
        return [Keypooler(path, environ=environ, providers=providers, now=now)]
    return []


def _tables(path: str) -> dict[str, frozenset[str]]:
    try:
        with looking(path) as found:
            return found.tables()
    except (KeychainError, FileNotFoundError):
        return {}  # whatever it is, nothing tells that it is one of these


def _files(home: str, folders: Sequence[str]) -> Iterator[str]:
    yield from below(home, deepest=0)
    for folder in folders:
        yield from below(folder)


def _is_export(name: str) -> bool:
    return name in EXPORTS or name.startswith(".env") or name.endswith(".env")
