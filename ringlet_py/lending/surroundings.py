"""The key in a provider's own environment variable: the last place where one is looked for."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ringlet_py.entry import Address
from ringlet_py.errors import InvalidSecret
from ringlet_py.lending.known import Chosen
from ringlet_py.lending.turns import ENVIRONMENT
from ringlet_py.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ringlet_py.catalog import Catalog
    from ringlet_py.ledger.claims import Claim
    from ringlet_py.lending.turns import Step
    from ringlet_py.profile.provider import Provider


def from_environment(provider: Provider | None, environ: Mapping[str, str]) -> tuple[Secret, dict[str, str]] | None:
    """The key and what its lease tells, or None; InvalidSecret, with the variable's name, for what cannot be a key."""
    variable = provider.key_env if provider else ""
    value = environ.get(variable, "") if variable else ""
    if provider is None or not value:
        return None
    try:
        secret = Secret.from_input(os.fsencode(value))
    except InvalidSecret as problem:
        hint = f"ringlet keychain set {provider.name}, or: unset {variable}"
        raise InvalidSecret(f"the variable {variable}: {problem.what}", why=problem.why, hint=hint) from None
    # a key beside an address is meant for that address
    base_url = environ.get(provider.base_url_env, "") if provider.base_url_env else ""
    return secret, {"reason": f"the variable {variable} of the environment", "base_url": base_url}


def chosen_from_environment(step: Step, catalog: Catalog, environ: Mapping[str, str]) -> Chosen | None:
    """The environment's key if the step is to look there, or None."""
    if step.kind != ENVIRONMENT:
        return None
    provider = step.pool.provider
    found = from_environment(catalog.providers.get(provider), environ)
    if found is None:
        return None
    secret, known = found
    return Chosen(address=Address(provider, ENVIRONMENT), backend=ENVIRONMENT, secret=secret, known=known)


def counting_environment(claim: Claim, step: Step) -> Claim:
    """The claim, as one that only looks at its tokens and counts on them: nothing else is known of this key."""
    return claim._replace(turn=step.turn(""), with_value=False)
