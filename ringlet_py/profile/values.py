"""The checks on single values that profiles, agents and providers share."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

    from ringlet_py.errors import ConfigError

    Wrong = Callable[[str], ConfigError]

# protocol and header: `anthropic` sends x-api-key, `anthropic-bearer` the same messages with a bearer token
SHAPES = (
    "anthropic",
    "anthropic-bearer",
    "openai-responses",
    "openai-chat",
    "gemini",
    "claude-oauth",
    "self",
)
ISOLATIONS = ("none", "config", "home")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# what may stand unquoted in an argument, a JSON string and a TOML string alike; braces are placeholders there
_PLAIN = re.compile(r"[!#-&(-\[\]-_a-z|~]+")


def check_variable(name: str, wrong: Wrong) -> str:
    """The name of an environment variable, or the error."""
    if not _VARIABLE.fullmatch(name):
        raise wrong(f"{name!r} is not the name of a variable")
    return name


def check_plain(kind: str, text: str, wrong: Wrong) -> str:
    """A text without blanks, quotes, backslashes and control characters, or the error."""
    if not _PLAIN.fullmatch(text):
        raise wrong(f"the {kind} has a blank, a quote, a brace, a backslash or a character outside ASCII")
    return text


def check_base_url(url: str, wrong: Wrong) -> str:
    """An address that a key may be sent to: https, or http on this machine; else the error."""
    check_plain("base URL", url, wrong)
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        raise wrong(f"{url!r} is not a URL") from None
    if not host or "@" in parts.netloc:
        raise wrong("the base URL must have a host and no user name in it")
    if parts.query or parts.fragment or "?" in url or "#" in url:
        raise wrong("the base URL must have no query and no fragment")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise wrong(f"the base URL {url} must be https, or http on loopback (127.0.0.1, ::1, localhost)")
    return url.rstrip("/")


def is_loopback(host: str) -> bool:
    """Whether the host is this machine, by its exact name or address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def host_of(url: str) -> str:
    """The host of a checked base URL."""
    return urlsplit(url).hostname or ""
