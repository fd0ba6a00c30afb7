"""Values that only tell where a key is: what 1Password, Doppler and others put in place of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ringlet_py.secret import Secret

_TOOLS = {
    "op://": "1Password",
    "doppler://": "Doppler",
    "infisical://": "Infisical",
    "vault://": "Vault",
}
_REFERENCE = re.compile(r"^[^#\n]*=\s*[\"']?(op|doppler|infisical|vault)://", re.MULTILINE)


def reference(secret: Secret) -> str:
    """The tool whose reference the value is, which is no key; "" for everything else."""
    return next((tool for prefix, tool in _TOOLS.items() if secret.starts_with(prefix)), "")


def references(text: str) -> dict[str, int]:
    """How many references a text of assignments has, by tool."""
    tools = [_TOOLS[f"{match[1]}://"] for match in _REFERENCE.finditer(text)]
    return {tool: tools.count(tool) for tool in dict.fromkeys(tools)}
