"""What the keychains of all systems share: judging what was found in them."""

from __future__ import annotations

from ringlet_py import errors
from ringlet_py.entry import Address
from ringlet_py.secret import Secret


def secret_from(raw: bytes, address: Address, *, place: str) -> Secret:
    """The bytes of a store as a secret; KeychainBroken, which never repeats them, if they cannot be a key."""
    try:
        return Secret.from_input(raw)
    except errors.InvalidSecret as error:
        problem = str(error)
    raise unusable(address, problem, place=place)


def unusable(address: Address, problem: str, *, place: str) -> errors.KeychainBroken:
    """The error for an entry that is there and holds no key."""
    return errors.KeychainBroken(
        f"what the {place} holds as {address} is not a key",
        why=problem,
        hint=address.to_set(replace=True),
    )


def missing(address: Address, *, place: str, why: str = "") -> errors.KeyNotFound:
    """The error for an address that is not there."""
    return errors.KeyNotFound(
        f"{address} is not in the {place}",
        why=why,
        hint=address.to_set(),
    )


def refuse_unfit(secret: Secret, address: Address, *, most: int, place: str) -> None:
    """InvalidSecret for a value that cannot be a key or has more than `most` characters, whoever made it."""
    if secret.length > most:
        raise too_long(f"{address} was not written", most, place=place)
    if not Secret.from_input(secret.reveal().encode()).same_as(secret):
        raise errors.InvalidSecret("the value ends with a line break")


def too_long(what: str, most: int, *, place: str) -> errors.InvalidSecret:
    """The error for a value of more than `most` characters."""
    return errors.InvalidSecret(what, why=f"the {place} takes {most} characters at most")


def changed_under_us(address: Address, *, place: str) -> errors.KeychainBroken:
    """The error for a write that succeeded and is not what a read finds."""
    return errors.KeychainBroken(
        f"the {place} took {address}, and then gave something else back",
        why="another program writes the same entry, or a second one of that name comes first",
        hint=f"{_to_remove(address)}, then set it again",
    )


def _to_remove(address: Address) -> str:
    words = f"{address.provider} {address.alias}"
    drop = f"edit {words} --drop-secret {address.field}"
    return f"ringlet keychain {drop if address.field else f'remove {words}'}"


def address_of(account: str) -> Address | None:
    """The address that is written exactly so, or None for an entry that somebody else made."""
    try:
        address = Address.parse(account)
    except errors.InvalidName:
        return None
    return address if str(address) == account else None
