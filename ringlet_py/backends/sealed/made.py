"""Makes the sealed backend out of a person's environment and folders."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ringlet_py.backends.sealed.backend import SealedBackend
from ringlet_py.backends.sealed.keys import DataKeys
from ringlet_py.backends.sealed.master_file import FileMaster
from ringlet_py.backends.sealed.masters import EnvMaster, PassphraseMaster, SystemMaster
from ringlet_py.backends.sealed.passphrase import asker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ringlet_py.backends import Backend
    from ringlet_py.backends.sealed.masters import Master
    from ringlet_py.files.folders import Folders
    from ringlet_py.ledger.sealed import SealedValues


def sealed_backend(
    values: SealedValues,
    environ: Mapping[str, str],
    *,
    folders: Folders,
    system: Callable[[], Backend],
    can_ask: bool,
    chosen: str,
) -> SealedBackend:
    """The backend over these values; `system` makes the OS keychain's, and is called if it is needed."""
    masters: dict[str, Master] = {
        "system": SystemMaster(system),
        "env": EnvMaster(environ),
        "file": FileMaster(os.path.join(folders.config, "master.key")),
        "passphrase": PassphraseMaster(asker(can_ask=can_ask)),
    }
    return SealedBackend(DataKeys(values, masters, chosen=chosen, lock_path=os.path.join(folders.state, "sealed.lock")))
