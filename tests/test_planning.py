from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from ringlet_py.catalog import Catalog
from ringlet_py.document import Source
from ringlet_py.entry import Address
from ringlet_py.errors import PairingImpossible, ProfileInvalid
from ringlet_py.pairing import partners
from ringlet_py.planning import make_plan
from ringlet_py.profile.agent import Agent, read_agent
from ringlet_py.profile.profile import Profile
from ringlet_py.profile.provider import Provider, read_provider

if TYPE_CHECKING:
    from ringlet_py.plan import LaunchPlan

# what opens the sealed keys or the shared ledger, and is for no agent
RINGLETS_OWN = frozenset(("RINGLET_LEDGER_URL", "RINGLET_MASTER_KEY", "RINGLET_NEW_MASTER_KEY"))
AGENT = """
title = "Example agent"
binary = "example"
install = "get example"
config-folder = "EXAMPLE_HOME"
drop = ["EXAMPLE_USE_CLOUD"]
nesting = ["EXAMPLE_INSIDE"]
model-args = ["--model", "{model}"]
[env]
EXAMPLE_PIN = "1"
[[shapes]]
shape = "anthropic"
env = { EX_KEY = "{key}", EX_URL = "{base-url}" }
args = ["-c", "provider={provider}", "--url={base-url}"]
[[shapes]]
shape = "openai-chat"
isolation = "config"
env = { OPENAI_API_KEY = "{key}", EX_CONFIG = "{config-folder}/c.json" }
[shapes.files]
"{config-folder}/c.json" = '{"url": "{base-url}", "model": "{model}", "key": "{env:OPENAI_API_KEY}"}'
[[shapes]]
shape = "self"
"""
ANTHROPIC = """
title = "A"
key-env = "A_API_KEY"
base-url-env = "A_BASE_URL"
drop = ["A_TOKEN"]
[endpoints.world]
anthropic = "https://a.example"
[endpoints.china]
anthropic = "https://a.example.cn"
"""
CHAT = """
title = "C"
key-env = "C_API_KEY"
models = ["c-1"]
[endpoints.default]
openai-chat = "https://c.example/v1"
"""
GEMINI = 'title = "G"\nkey-env = "G_API_KEY"\n[endpoints.default]\ngemini = "https://g.example"\n'
CUSTOM = 'title = "Custom"\nkey-env = "CUSTOM_API_KEY"\nshapes = ["anthropic", "openai-chat"]\n'
SELF = 'title = "S"\nkeyless = true\n[endpoints.default]\nself = ""\n'
LOCAL = (
    'title = "L"\nkeyless = true\nplaceholder-key = "local"\nmodels = ["l-1"]\n'
    '[endpoints.default]\nanthropic = "http://127.0.0.1:11434"\n'
)


def provider(name: str, text: str) -> Provider:
    return read_provider(name, Source(path=f"/{name}", text=text))


def agent(name: str, text: str) -> Agent:
    return read_agent(name, Source(path=f"/{name}", text=text))


class Known:
    agents: ClassVar = {"example": agent("example", AGENT), "generic": agent("generic", 'title = "Any"\nany = true')}
    providers: ClassVar = {
        name: provider(name, text)
        for name, text in (
            ("a", ANTHROPIC),
            ("c", CHAT),
            ("g", GEMINI),
            ("custom", CUSTOM),
            ("self", SELF),
            ("local", LOCAL),
        )
    }
    routing = frozenset({"A_API_KEY", "A_BASE_URL", "A_TOKEN", "EXAMPLE_USE_CLOUD", "EXAMPLE_INSIDE", "OTHER_API_KEY"})

    def agent(self, name: str) -> Agent:
        return self.agents[name]

    def provider(self, name: str) -> Provider:
        return self.providers[name]


def plan(provider: str = "a", agent: str = "example", **more: Any) -> LaunchPlan:
    fields: dict[str, Any] = {"env": {}, "references": {}, **more}
    profile = Profile(name="p", agent=agent, provider=provider, **fields)
    return make_plan(profile, Known(), folder="/home/u/.ringlet/profiles/p")


def test_the_key_goes_by_variable_to_the_endpoint() -> None:
    made = plan()

    assert made.command == ("example",)
    assert made.keys == {"EX_KEY": Address("a", "default")}
    assert made.env == {"EXAMPLE_PIN": "1", "EX_URL": "https://a.example"}
    assert made.args == ("-c", "provider=a", "--url=https://a.example")
    assert made.base_url == "https://a.example"


def test_the_alias_names_the_key() -> None:
    assert plan(key_alias="work").keys["EX_KEY"] == Address("a", "work")


def test_the_users_own_arguments_come_after_the_catalogs() -> None:
    assert plan(args=("--mine",)).args[-1] == "--mine"


def test_an_endpoint_of_the_provider_can_be_chosen() -> None:
    assert plan(endpoint="china").base_url == "https://a.example.cn"


def test_an_endpoint_that_is_not_there_is_never_replaced_by_another() -> None:
    with pytest.raises(ProfileInvalid, match="no endpoint 'chna'") as raised:
        plan(endpoint="chna")
    assert "china" in raised.value.why


def test_a_base_url_takes_the_place_of_the_endpoint() -> None:
    made = plan(base_url="http://127.0.0.1:8080")

    assert made.env["EX_URL"] == made.base_url == "http://127.0.0.1:8080"
    assert made.loopback


def test_an_address_elsewhere_is_not_loopback() -> None:
    assert not plan().loopback


def test_a_model_is_given_as_the_agent_wants_it() -> None:
    assert plan(model="m-1").args[-2:] == ("--model", "m-1")


def test_without_a_model_nothing_is_said_of_it() -> None:
    assert "--model" not in plan().args


def test_a_config_file_holds_the_address_and_a_reference_but_no_key() -> None:
    made = plan("c")

    path = "/home/u/.ringlet/profiles/p/config/c.json"
    assert made.files == {path: '{"url": "https://c.example/v1", "model": "c-1", "key": "{env:OPENAI_API_KEY}"}'}
    assert made.env["EX_CONFIG"] == path
    assert made.folders == ("/home/u/.ringlet/profiles/p/config",)
    assert made.env["EXAMPLE_HOME"] == "/home/u/.ringlet/profiles/p/config"


def test_isolation_home_gives_a_home_of_its_own() -> None:
    made = plan(isolation="home")

    assert made.env["HOME"] == "/home/u/.ringlet/profiles/p/home"
    assert made.folders == ("/home/u/.ringlet/profiles/p/home",)


def test_what_the_mapping_needs_is_not_weakened_by_the_profile() -> None:
    assert plan("c", isolation="none").folders


def test_the_pairing_that_cannot_work_is_refused_naming_those_that_can() -> None:
    with pytest.raises(PairingImpossible, match="Example agent cannot talk to G") as raised:
        plan("g")
    assert raised.value.hint == "providers that can: a, c, custom, local, self"


def test_a_keyless_provider_lends_nothing() -> None:
    made = plan("self")

    assert made.keys == {}
    assert made.env == {"EXAMPLE_PIN": "1"}


def test_a_keyless_provider_gives_its_public_word_where_a_key_is_demanded() -> None:
    made = plan("local")

    assert made.keys == {}
    assert made.env["EX_KEY"] == "local"


def test_a_custom_provider_needs_a_base_url() -> None:
    with pytest.raises(ProfileInvalid, match="no address of its own") as raised:
        plan("custom")
    assert "--base-url" in raised.value.hint
    assert plan("custom", base_url="https://x.example").base_url == "https://x.example"


def test_a_wire_shape_can_be_chosen_where_several_would_do() -> None:
    assert plan("custom", base_url="https://x.example", shape="openai-chat", model="m").shape == "openai-chat"


def test_any_program_gets_the_providers_own_variables() -> None:
    made = plan("a", "generic", command=("tool", "--fast"))

    assert made.command == ("tool", "--fast")
    assert made.keys == {"A_API_KEY": Address("a", "default")}
    assert made.env == {"A_BASE_URL": "https://a.example"}


def test_any_program_must_be_named() -> None:
    with pytest.raises(ProfileInvalid, match="which program"):
        plan("a", "generic")


def test_the_filtered_environment_drops_every_routing_variable_of_the_catalog() -> None:
    assert plan().drop == Known.routing | RINGLETS_OWN


def test_even_the_whole_environment_loses_what_would_divert_or_beat_the_key() -> None:
    assert plan(inherit_env="all").drop - RINGLETS_OWN == {
        "EXAMPLE_USE_CLOUD",
        "EXAMPLE_INSIDE",
        "A_API_KEY",
        "A_BASE_URL",
        "A_TOKEN",
    }


def test_the_agents_own_login_may_be_made_of_variables_if_all_are_inherited() -> None:
    assert plan("self", inherit_env="all").drop == {"EXAMPLE_INSIDE"} | RINGLETS_OWN
    assert plan("self").drop == Known.routing | RINGLETS_OWN


@pytest.mark.parametrize("inherit", ["filtered", "clean", "all"])
def test_the_master_key_is_for_no_agent(inherit: str) -> None:
    assert plan("self", inherit_env=inherit).drop >= RINGLETS_OWN
    assert plan(isolation="home", inherit_env=inherit).drop >= RINGLETS_OWN


def test_a_variable_takes_a_secret_that_is_bound_to_the_profiles_own_key() -> None:
    made = plan(key_alias="work", bound={"HOOK": "webhook"})

    assert made.keys == {"EX_KEY": Address("a", "work"), "HOOK": Address("a", "work", "webhook")}
    assert "HOOK" not in made.env


@pytest.mark.parametrize("name", ["EX_URL", "A_BASE_URL"])
def test_a_bound_secret_cannot_move_the_key_elsewhere_either(name: str) -> None:
    with pytest.raises(ProfileInvalid, match=name):
        plan(bound={name: "webhook"})


def test_without_a_key_there_is_no_secret_bound_to_it() -> None:
    with pytest.raises(ProfileInvalid, match="no key whose bound secrets") as raised:
        plan("self", bound={"HOOK": "webhook"})
    assert raised.value.hint == "name the key too: ringlet:PROVIDER/ALIAS#NAME"


def test_references_bring_further_keys() -> None:
    made = plan(env={"X": "y"}, references={"GITHUB_TOKEN": Address("github", "work")})

    assert made.env["X"] == "y"
    assert made.addresses() == [Address("a", "default"), Address("github", "work")]


@pytest.mark.parametrize("name", ["EX_URL", "EX_KEY", "EXAMPLE_USE_CLOUD", "EXAMPLE_PIN", "A_TOKEN", "A_BASE_URL"])
def test_a_profiles_own_variables_cannot_move_the_key_elsewhere(name: str) -> None:
    with pytest.raises(ProfileInvalid, match="decides where the key goes"):
        plan(env={name: "https://evil.example"})


def test_partners_are_those_with_a_common_wire_shape() -> None:
    assert partners(Known.agents["example"], Known.providers.values()) == ["a", "c", "custom", "local", "self"]


def test_the_real_catalog_does_what_planning_asks_of_one() -> None:
    catalog = Catalog("/nowhere")
    profile = Profile(name="p", agent="claude", provider="anthropic", env={}, references={})

    assert make_plan(profile, catalog, folder="/f").keys["ANTHROPIC_API_KEY"] == Address("anthropic")


def test_the_addresses_of_referenced_providers_are_dropped_too_when_all_is_inherited() -> None:
    assert "A_BASE_URL" in plan("c", inherit_env="all", model="m", references={"X": Address("a")}).drop


def test_any_program_is_not_given_an_address_that_no_variable_can_tell_it() -> None:
    with pytest.raises(ProfileInvalid, match="no variable tells any program the address of c"):
        plan("c", "generic", command=("tool",), base_url="https://gw.example")


def test_the_agents_own_login_takes_no_address() -> None:
    with pytest.raises(ProfileInvalid, match="neither a key nor an address"):
        plan("self", base_url="https://gw.example")
    with pytest.raises(ProfileInvalid, match="neither a key nor an address"):
        plan("a", shape="self")


def test_a_wire_shape_that_the_endpoint_has_no_address_for_is_refused() -> None:
    with pytest.raises(ProfileInvalid, match="no address of its own for openai-chat"):
        plan("local", shape="openai-chat", model="m")


def test_isolation_home_leaves_no_way_back_to_the_real_folders() -> None:
    dropped = {"EXAMPLE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"}

    assert dropped <= plan(isolation="home").drop
    assert dropped <= plan(isolation="home", inherit_env="all").drop


def test_isolation_config_is_refused_where_no_variable_can_bring_it_about() -> None:
    with pytest.raises(ProfileInvalid, match="no variable for its configuration folder"):
        plan("a", "generic", command=("tool",), isolation="config")


@pytest.mark.parametrize(
    ("isolation", "name"), [("home", "HOME"), ("home", "XDG_CONFIG_HOME"), ("config", "EXAMPLE_HOME")]
)
def test_a_profiles_own_variables_cannot_undo_its_isolation(isolation: str, name: str) -> None:
    with pytest.raises(ProfileInvalid):
        plan(isolation=isolation, env={name: "/elsewhere"})
