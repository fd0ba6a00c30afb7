from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringlet_py.daemon.keypooler_claims import _shown
from ringlet_py.daemon.keypooler_notes import KEY, Notes
from ringlet_py.daemon.keypooler_shapes import id_of
from ringlet_py.entry import Address, utc
from ringlet_py.errors import KeychainTimeout
from ringlet_py.lease import Lease
from ringlet_py.secret import Secret
from tests.daemon.keypooler_world import SEALED, Asked, World

if TYPE_CHECKING:
    from pathlib import Path

OPENAI = "sk-proj-" + "m4d3up" * 8


@pytest.fixture
def world(on_each_ledger: World) -> World:
    return on_each_ledger


@pytest.fixture
def stocked(world: World) -> World:
    """One key whose tier allows two images and ten scrapes a minute."""
    world.add_tier(image=2, scrape={"rate_limit": 10, "window_seconds": 60})
    world.add_key("k1")
    return world


def stored(world: World, provider: str, alias: str = "default", value: str = OPENAI, **fields: str) -> None:
    world.app.keychain.set(Address(provider, alias), Secret(value), force=True, fields=fields)


# for a feature


def test_a_key_for_a_feature_comes_with_its_id_and_its_value(stocked: World):
    found = stocked.key(feature="image")

    assert found.status == 200
    assert found.json["key_id"] == stocked.key_id("k1")
    assert found.json["value"] == "made-up-value-k1"
    assert found.headers["cache-control"] == "no-store"


def test_metadata_and_bound_secrets_come_along(world: World):
    world.add_tier()
    world.add_key(metadata={"plan": {"seats": [1, 2]}}, secrets={"webhook": "whsec-0123456789"})

    found = world.key(feature="image").json

    assert found["metadata"] == {"plan": {"seats": [1, 2]}}
    assert found["secrets"] == {"webhook": "whsec-0123456789"}


def test_without_any_they_are_empty_objects(stocked: World):
    found = stocked.key(feature="image").json

    assert (found["metadata"], found["secrets"]) == ({}, {})


def test_metadata_of_a_key_that_was_added_later_is_seen(stocked: World):
    stocked.key(feature="image")
    stocked.add_key("k2", metadata={"late": True})

    found = [stocked.key(feature="image").json for _ in range(2)]

    assert {each["address"]: each["metadata"] for each in found}["custom/k2"] == {"late": True}


def test_the_answer_says_which_key_it_is_and_why(world: World):
    world.add_tier(image={"rate_limit": 5, "window_seconds": 1000})
    world.add_key(expires_at="2027-01-01T00:00:00Z")

    found = world.key(feature="image").json

    assert found["address"] == "custom/k1"
    assert found["expires_at"] == "2027-01-01T00:00:00.000Z"
    assert found["remaining"] == 4
    assert found["lease"]
    assert found["reason"]


def test_the_sealed_backend_answers_the_same(tmp_path: Path):
    world = World(tmp_path, SEALED)
    world.add_tier()
    world.add_key(secrets={"webhook": "whsec-0123456789"})

    found = world.key(feature="image").json
    is_encrypted = world.ask("GET", "/admin/health").json["encryption"]
    world.close()

    assert (found["value"], found["secrets"]) == ("made-up-value-k1", {"webhook": "whsec-0123456789"})
    assert is_encrypted


def test_no_value_is_in_a_record(world: World):
    world.add_tier()
    world.add_key(secrets={"webhook": "whsec-0123456789"})
    world.key(feature="image")

    written = str(world.records())

    assert "made-up-value" not in written
    assert "whsec" not in written


@pytest.mark.parametrize("query", [{}, {"feature": ""}, {"user": "42"}, {"channel": "general"}])
def test_without_a_feature_it_is_a_bad_request(world: World, query: dict[str, str]):
    found = world.key(**query)

    assert found.status == 400
    assert found.json["error"] == "feature query param required"


def test_a_query_that_is_not_known_is_refused_with_the_nearest(world: World):
    found = world.key(feature="image", chanel="general")

    assert found.status == 400
    assert "channel" in found.json["why"]


def test_a_query_that_is_said_twice_is_refused(stocked: World):
    (found,) = stocked.ask_all([Asked("GET", "/key", token=stocked.admin, query="feature=image&feature=scrape")])

    assert found.status == 400


@pytest.mark.parametrize("feature", ["a b", "*", "x" * 65, "-x", "\u00e9"])
def test_what_cannot_be_a_feature_is_a_bad_request(stocked: World, feature: str):
    assert stocked.key(feature=feature).status == 400


def test_without_a_token_it_is_unauthorized(stocked: World):
    found = stocked.key(token="", feature="image")

    assert found.status == 401
    assert found.headers["www-authenticate"] == "Bearer"


def test_a_wrong_token_is_unauthorized(stocked: World):
    assert stocked.key(token="rlt_" + "x" * 43, feature="image").status == 401


def test_a_feature_that_is_used_up_says_when_there_is_a_key_again(stocked: World):
    answers = [stocked.key(feature="image") for _ in range(3)]

    assert [each.status for each in answers] == [200, 200, 429]
    assert 1 <= int(answers[2].headers["retry-after"]) <= 60


def test_another_feature_of_the_same_key_is_not_used_up(stocked: World):
    for _ in range(3):
        stocked.key(feature="image")

    assert stocked.key(feature="scrape").status == 200


def test_a_limit_for_the_keys_whole_life_is_exhausted_without_a_moment(world: World):
    world.add_tier()
    world.add_key(usage_limit=1)
    world.key(feature="image")

    found = world.key(feature="image")

    assert found.status == 429
    assert "retry-after" not in found.headers


def test_a_feature_of_no_tier_is_exhausted_as_keypooler_says_it(stocked: World):
    found = stocked.key(feature="unheard-of")

    assert found.status == 429
    assert found.json["error"] == "no key available for feature"
    assert "retry-after" not in found.headers


def test_a_feature_whose_tier_has_no_keys_is_exhausted(world: World):
    world.add_tier()

    assert world.key(feature="image").status == 429


def test_a_disabled_key_is_not_lent_until_it_is_enabled(stocked: World):
    path = f"/admin/keys/{stocked.key_id()}"

    stocked.ask("PATCH", path, {"active": False})
    assert stocked.key(feature="image").status == 429
    stocked.ask("PATCH", path, {"active": True})
    assert stocked.key(feature="image").status == 200


def test_an_expired_key_is_not_lent(world: World):
    world.add_tier()
    world.add_key(expires_at=utc(world.clock() + 1))
    assert world.key(feature="image").status == 200
    world.let_pass(1.1)

    assert world.key(feature="image").status == 429


def test_keys_take_turns(stocked: World):
    stocked.add_key("k2")

    found = [stocked.key(feature="scrape").json["value"] for _ in range(4)]

    assert found == ["made-up-value-k1", "made-up-value-k2"] * 2


def test_keys_of_every_provider_serve_a_feature(stocked: World):
    stored(stocked, "openai", tier="pro")

    found = [stocked.key(feature="image") for _ in range(5)]

    assert sorted(each.status for each in found) == [200, 200, 200, 200, 429]
    assert {each.json["address"] for each in found[:4]} == {"custom/k1", "openai/default"}


def test_a_key_without_a_tier_serves_no_feature_by_itself(stocked: World):
    stored(stocked, "openai")

    assert {stocked.key(feature="image").json["address"] for _ in range(2)} == {"custom/k1"}


# for a consumer


def test_a_consumer_without_a_scope_may_claim_nothing(stocked: World):
    _, token = stocked.consumer()

    found = stocked.key(token=token, feature="image")

    assert found.status == 403
    assert found.json["code"] == "out-of-scope"


def test_a_consumer_gets_keys_of_its_tiers_alone(stocked: World):
    stocked.add_tier("other", image=100)
    stocked.add_key("theirs", tier="other")
    _, token = stocked.consumer("other")

    found = [stocked.key(token=token, feature="image").json["address"] for _ in range(5)]

    assert found == ["custom/theirs"] * 5


def test_a_consumer_whose_keys_are_used_up_is_told_when_and_not_that_it_may_not(stocked: World):
    _, token = stocked.consumer("pro")

    answers = [stocked.key(token=token, feature="image") for _ in range(3)]

    assert [each.status for each in answers] == [200, 200, 429]
    assert int(answers[2].headers["retry-after"]) <= 60


def test_a_consumer_whose_keys_are_used_up_for_good_is_told_so(world: World):
    world.add_tier()
    world.add_key(usage_limit=1)
    _, token = world.consumer("pro")
    world.key(token=token, feature="image")

    assert world.key(token=token, feature="image").status == 429


@pytest.mark.parametrize("feature", ["unheard-of", "elsewhere", "planned"])
def test_a_feature_that_no_key_in_scope_serves_is_forbidden(stocked: World, feature: str):
    stocked.add_tier("elsewhere", elsewhere=1)
    stocked.add_key("e1", tier="elsewhere")
    stocked.add_tier("empty", planned=1)
    _, token = stocked.consumer("pro", "empty")

    assert stocked.key(token=token, feature=feature).status == 403


def test_a_scope_counts_from_the_next_claim_on_and_is_gone_with_the_next(stocked: World):
    consumer, token = stocked.consumer()
    path = f"/admin/consumers/{consumer}/scopes"

    stocked.ask("POST", path, {"tier": "pro"})
    assert stocked.key(token=token, feature="scrape").status == 200
    stocked.ask("DELETE", f"{path}/pro")
    assert stocked.key(token=token, feature="scrape").status == 403


def test_a_key_with_its_bound_secrets_is_one_use_of_the_callers_token(world: World):
    world.add_tier()
    world.add_key(secrets={"one": "made-up-bound-1", "two": "made-up-bound-2"})
    _, secret = world.app.tokens.create("bot", max_uses="2")

    statuses = [world.key(token=secret.reveal(), feature="image").status for _ in range(3)]

    assert statuses == [200, 200, 429]


# for a provider, a user, a channel, a pool


def test_a_users_own_key_comes_before_the_channels_and_everyones(world: World):
    stored(world, "openai", "shared", value="made-up-shared")
    stored(world, "openai", "theirs", value="made-up-channel", owner="channel:general")
    stored(world, "openai", "own", value="made-up-own", owner="user:42")

    def value(**query: str) -> str:
        return str(world.key(provider="openai", **query).json["value"])

    assert value(user="42", channel="general") == "made-up-own"
    assert value(user="7", channel="general") == "made-up-channel"
    assert value(user="7") == "made-up-shared"
    assert value() == "made-up-shared"


def test_bound_secrets_come_along_where_the_scope_names_the_pool_or_the_feature(world: World):
    world.add_tier()
    world.add_key(secrets={"webhook": "whsec-0123456789"})
    world.app.lending.pools.create("mine", {"provider": "custom"})
    _, secret = world.app.tokens.create("bot", scope="pool=mine feature=image")

    found = world.key(token=secret.reveal(), pool="mine", feature="image")

    assert (found.status, found.json["secrets"]) == (200, {"webhook": "whsec-0123456789"})


def test_the_environments_key_is_the_last_resort_and_has_no_bound_secrets(world: World):
    world.home.environ["OPENAI_API_KEY"] = OPENAI
    world.add_tier()
    world.add_key("environment", provider="openai", secrets={"webhook": "whsec-0123456789"}, metadata={"a": 1})
    world.ask("PATCH", f"/admin/keys/{world.key_id('openai/environment')}", {"active": False})

    found = world.key(provider="openai").json

    assert (found["value"], found["secrets"], found["metadata"]) == (OPENAI, {}, {})


def test_a_shared_key_is_limited_for_each_user_and_not_for_who_bypasses(world: World):
    stored(world, "openai")
    world.app.lending.pools.create("openai", {"provider": "openai", "quota": ["2/day@UTC"], "bypass": ["user:1"]})

    def statuses(user: str, times: int) -> list[int]:
        return [world.key(provider="openai", user=user).status for _ in range(times)]

    assert statuses("42", 3) == [200, 200, 429]
    assert statuses("7", 2) == [200, 200]
    assert statuses("1", 4) == [200] * 4


def test_an_own_key_is_not_counted(world: World):
    stored(world, "openai")
    stored(world, "openai", "own", value="made-up-own", owner="user:42")
    world.app.lending.pools.create("openai", {"provider": "openai", "quota": ["1/day@UTC"]})

    assert [world.key(provider="openai", user="42").status for _ in range(3)] == [200] * 3


def test_a_callers_token_speaks_for_a_user_whose_quota_counts_and_the_record_names_both(world: World):
    stored(world, "openai")
    world.app.lending.pools.create("openai", {"provider": "openai", "quota": ["1/day@UTC"]})
    _, secret = world.app.tokens.create("bot", scope="provider=openai user=*")
    token = secret.reveal()

    statuses = [world.key(token=token, provider="openai", user=user).status for user in ("42", "42", "7")]

    assert statuses == [200, 429, 200]
    claims = [each for each in world.records() if each["action"] == "claim"]
    assert {(each["caller"], each["purpose"]) for each in claims} == {
        ("user:42", "token:bot"),
        ("user:7", "token:bot"),
    }


def test_a_callers_token_without_a_user_is_counted_itself(world: World):
    stored(world, "openai")
    world.app.lending.pools.create("openai", {"provider": "openai", "quota": ["1/day@UTC"]})
    _, secret = world.app.tokens.create("bot")

    statuses = [world.key(token=secret.reveal(), provider="openai").status for _ in range(2)]

    assert statuses == [200, 429]


def test_a_provider_outside_of_the_callers_scope_is_forbidden(world: World):
    stored(world, "openai")
    _, secret = world.app.tokens.create("bot", scope="provider=anthropic")

    found = world.key(token=secret.reveal(), provider="openai", user="42")

    assert found.status == 403
    assert found.json["code"] == "out-of-scope"


def test_a_missing_key_says_where_to_get_one_and_how_to_store_it(world: World):
    found = world.key(provider="openai")

    assert found.status == 404
    assert found.json["code"] == "key-not-found"
    assert found.json["provider"] == "openai"
    assert found.json["display_name"] == "OpenAI"
    assert found.json["sign_up"].startswith("https://")
    assert found.json["command"] == "ringlet keychain set openai"


@pytest.mark.parametrize(
    ("query", "command"),
    [
        ({"user": "42"}, "ringlet keychain set openai user-42 --owner user:42"),
        ({"user": "@b;m"}, "--owner 'user:@b;m'"),
        ({"alias": "work"}, "ringlet keychain set openai work"),
    ],
)
def test_the_command_is_for_the_key_that_was_asked_for(world: World, query: dict[str, str], command: str):
    assert world.key(provider="openai", **query).json["command"].endswith(command)


def test_a_provider_outside_of_the_catalog_is_named_as_it_is(world: World):
    found = world.key(provider="nobody-sells-this").json

    assert (found["display_name"], found["sign_up"]) == ("nobody-sells-this", "")


def test_a_key_can_be_asked_for_by_its_alias(stocked: World):
    stocked.add_key("k2")

    assert stocked.key(provider="custom", alias="k2").json["address"] == "custom/k2"


@pytest.mark.parametrize("query", [{"alias": "k1"}, {"alias": "k1", "provider": "custom", "pool": "p"}])
def test_an_alias_goes_with_a_provider(stocked: World, query: dict[str, str]):
    assert stocked.key(feature="image", **query).status == 400


def test_a_key_of_a_pool(world: World):
    stored(world, "openai", "a", value="made-up-a")
    stored(world, "openai", "b", value="made-up-b", label="spare")
    world.app.lending.pools.create("spares", {"provider": "openai", "where": ["label=spare"]})

    assert world.key(pool="spares").json["value"] == "made-up-b"


def test_a_pool_that_there_is_not_is_not_found(world: World):
    found = world.key(pool="nowhere")

    assert found.status == 404
    assert found.json["code"] == "pool-not-found"


@pytest.mark.parametrize("user", ["a b", "a/b", "a\nb", "x" * 129])
def test_what_cannot_be_a_user_is_a_bad_request(world: World, user: str):
    assert world.key(provider="openai", user=user).status == 400


# what cannot be opened


def test_if_a_bound_secret_is_gone_nothing_is_handed_over_and_the_use_is_given_back(world: World):
    world.add_tier(image={"rate_limit": 1, "window_seconds": 1000})
    world.add_key(secrets={"webhook": "whsec-0123456789"})
    world.app.backend.remove(Address("custom", "k1", "webhook"))

    answers = [world.key(feature="image") for _ in range(2)]

    assert [each.status for each in answers] == [503, 503]
    assert b"made-up-value" not in answers[0].body
    assert answers[0].json["code"] == "keychain-broken"


def test_if_what_was_noted_with_it_cannot_be_read_nothing_is_handed_over_and_the_use_is_given_back(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    def too_late(*_: object) -> None:
        raise KeychainTimeout("the ledger is busy")

    world.add_tier(image={"rate_limit": 1, "window_seconds": 1000})
    world.add_key()
    with monkeypatch.context() as patched:
        patched.setattr(Notes, "all", too_late)
        assert world.key(feature="image").status == 504

    assert world.key(feature="image").status == 200


def test_a_key_that_is_gone_from_the_keychain_is_not_lent_and_others_are(stocked: World):
    stocked.add_key("k2")
    stocked.app.backend.remove(Address("custom", "k1"))

    assert {stocked.key(feature="image").json["address"] for _ in range(2)} == {"custom/k2"}


TEXT = st.text(max_size=30)
VALUE = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30)
NOTED = st.dictionaries(TEXT, st.none() | st.integers() | TEXT, max_size=3)


@given(VALUE, st.dictionaries(TEXT, VALUE, max_size=2), NOTED, TEXT, TEXT, st.integers(-1, 10**12))
def test_a_key_is_told_as_json_whatever_stands_in_it(
    value: str, bound: dict[str, str], noted: dict[str, object], reason: str, url: str, remaining: int
):
    address = "custom/k1"
    lease = Lease(
        Address("custom", "k1"),
        backend="sealed",
        secret=Secret(value),
        id="l1",
        reason=reason,
        base_url=url,
        expires_at=reason,
        remaining=remaining,
    )
    secrets = {name: Secret(each) for name, each in bound.items()}

    assert json.loads(_shown(lease, address, secrets, {address: {"metadata": noted}})) == {
        "key_id": id_of(KEY, address),
        "value": value,
        "metadata": noted,
        "secrets": bound,
        "lease": "l1",
        "address": address,
        "reason": reason,
        "base_url": url,
        "expires_at": reason or None,
        "remaining": remaining if remaining >= 0 else None,
    }
