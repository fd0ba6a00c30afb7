"""What the streams of uses are called, in every engine."""

from __future__ import annotations

# `of_key` and `of_own` in SQL, for a standing; ? is the feature
OF_KEY = "'key:' || standings.address || ':' || ?"
OF_OWN = "'own:' || standings.address"


def of_key(address: str, feature: str) -> str:
    """A key and feature.  Addresses and features have no colon, orgs and callers may."""
    return f"key:{address}:{feature}"


def of_own(address: str) -> str:
    """A key, for all features."""
    return f"own:{address}"


def of_org(provider: str, org: str) -> str:
    """A provider's org."""
    return f"org:{provider}:{org}"


def of_pool(pool: str) -> str:
    """A pool."""
    return f"pool:{pool}"


def of_caller(caller: str, provider: str, feature: str) -> str:
    """A caller, for a provider and feature."""
    return f"caller:{caller}:{provider}:{feature}"


def of_token(id: str) -> str:  # noqa: A002 - it is called so everywhere
    """A token, for all that is claimed with it or with one that was made under it."""
    return f"token:{id}"
