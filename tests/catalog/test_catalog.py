from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from ringlet_py.catalog import Catalog
from ringlet_py.errors import CatalogInvalid, CatalogNotFound, InsecurePermissions, PairingImpossible
from ringlet_py.pairing import pair, partners
from ringlet_py.profile.profile import Profile
from ringlet_py.secret import Secret

if TYPE_CHECKING:
    from pathlib import Path

CATALOG = Catalog("/nowhere")
PROVIDERS = ["anthropic", "openai", "openrouter", "minimax", "xai", "groq", "gemini", "zai", "mistral", "deepseek"]
PROVIDERS += ["claude-subscription", "self", "ollama", "custom"]
AGENTS = ["claude", "codex", "gemini", "grok", "droid", "opencode", "aider", "goose", "crush", "generic"]


def test_the_agents_and_providers_that_people_use_are_known() -> None:
    assert set(PROVIDERS) <= set(CATALOG.providers)
    assert set(AGENTS) <= set(CATALOG.agents)


@pytest.mark.parametrize("name", CATALOG.agents)
def test_an_agent_says_where_its_mapping_comes_from(name: str) -> None:
    agent = CATALOG.agents[name]

    assert agent.title
    assert agent.any or (agent.install and agent.source and agent.mappings)


@pytest.mark.parametrize("name", CATALOG.providers)
def test_a_provider_with_a_key_says_where_it_is_made_and_where_it_goes(name: str) -> None:
    provider = CATALOG.providers[name]

    assert provider.title
    if not provider.keyless:
        assert provider.key_env
        assert provider.all_shapes()
        assert provider.sign_up or name == "custom"


@pytest.mark.parametrize("agent", CATALOG.agents)
def test_every_pairing_works_or_is_refused(agent: str) -> None:
    able = {provider.name for provider in CATALOG.providers.values() if is_paired(agent, provider.name)}

    assert able == set(partners(CATALOG.agents[agent], CATALOG.providers.values()))


def is_paired(agent: str, provider: str) -> bool:
    profile = Profile(
        name="p",
        agent=agent,
        provider=provider,
        base_url="https://x.example" if provider == "custom" else "",
        model="m",
        command=("x",),
        env={},
        references={},
    )
    try:
        pairing = pair(profile, CATALOG.agents[agent], CATALOG.providers[provider])
    except PairingImpossible:
        return False
    return pairing.base_url.startswith(("https://", "http://127.0.0.1", "http://localhost", ""))


@pytest.mark.parametrize("name", [name for name, provider in CATALOG.providers.items() if provider.key_prefixes])
def test_a_distinctive_prefix_belongs_to_one_provider_and_is_long_enough(name: str) -> None:
    prefixes = CATALOG.providers[name].key_prefixes
    others = [p for other in CATALOG.providers.values() if other.name != name for p in other.key_prefixes]

    assert "sk-" not in prefixes
    assert not set(prefixes) & set(others)
    assert all(len(prefix) >= 3 for prefix in prefixes)


def test_key_patterns_take_what_their_prefixes_promise() -> None:
    for provider in CATALOG.providers.values():
        for prefix in provider.key_prefixes if provider.key_pattern else ():
            samples = [Secret(prefix + more + "aB3" * 60) for more in ("", "01-", "v1-")]
            lengths = [Secret((prefix + "aB3" * 80)[:n]) for n in range(20, 200)]
            assert any(s.matches(provider.key_pattern) for s in [*samples, *lengths]), (provider.name, prefix)


def test_no_variable_that_carries_a_key_is_missing_from_what_is_dropped() -> None:
    wanted = {"ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL", "OPENAI_API_KEY", "OPENAI_BASE_URL"}
    wanted |= {"CLAUDE_CODE_OAUTH_TOKEN", "CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX", "CLAUDECODE"}
    wanted |= {"GEMINI_API_KEY", "GOOGLE_API_KEY", "GROQ_API_KEY", "XAI_API_KEY", "OPENROUTER_API_KEY"}

    assert wanted <= CATALOG.routing


def test_what_a_program_needs_to_live_is_never_dropped() -> None:
    assert not CATALOG.routing & {"PATH", "HOME", "TERM", "USER", "SHELL", "LANG", "TMPDIR", "SSH_AUTH_SOCK"}


def test_an_unknown_name_is_an_error_with_the_nearest() -> None:
    with pytest.raises(CatalogNotFound) as raised:
        CATALOG.provider("antropic")
    assert raised.value.why == "did you mean 'anthropic'?"


def write(folder: Path, kind: str, name: str, text: str) -> Path:
    (folder / kind).mkdir(parents=True, exist_ok=True)
    path = folder / kind / name
    path.write_text(text)
    path.chmod(0o600)
    return path


MINE = 'title = "Mine"\nkey-env = "MINE_API_KEY"\n[endpoints.default]\nopenai-chat = "https://mine.example/v1"\n'


def test_a_file_in_the_config_folder_adds_a_provider(tmp_path: Path) -> None:
    write(tmp_path, "providers", "mine.toml", MINE)
    catalog = Catalog(str(tmp_path))

    assert catalog.provider("mine").title == "Mine"
    assert "MINE_API_KEY" in catalog.routing


def test_a_file_in_the_config_folder_takes_the_place_of_ours(tmp_path: Path) -> None:
    write(tmp_path, "providers", "openai.toml", MINE)

    assert Catalog(str(tmp_path)).provider("openai").title == "Mine"


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX's")
def test_a_file_that_others_can_write_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "providers", "mine.toml", MINE).chmod(0o666)

    with pytest.raises(InsecurePermissions):
        _ = Catalog(str(tmp_path)).providers


def test_a_file_with_a_name_outside_the_grammar_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "providers", "my provider.toml", MINE)

    with pytest.raises(CatalogInvalid, match="my provider"):
        _ = Catalog(str(tmp_path)).providers
