from __future__ import annotations

import pytest

from ringlet_py.moving.formats.known import format_of
from ringlet_py.moving.formats.netrc import Netrc

HOME = "/home/ada"


def kind(path: str, shell: str = "") -> str:
    found = format_of(path, shell=shell)
    return type(found).__name__ if found else ""


@pytest.mark.parametrize(
    ("expected", "paths"),
    [
        ("Posix", ".zshrc .zshenv .zprofile .zlogin .bashrc .bash_profile .bash_login .bash_aliases .profile .kshrc"),
        ("Posix", ".envrc work/.envrc keys.sh .config/crush/crushrc"),
        ("Fish", ".config/fish/config.fish .config/fish/conf.d/keys.fish"),
        ("Nushell", ".config/nushell/env.nu"),
        ("PowerShell", ".config/powershell/profile.ps1 Documents/PowerShell/Microsoft.PowerShell_profile.ps1"),
        ("FishVariables", ".config/fish/fish_variables"),
        ("Dotenv", ".env .env.local .env-prod production.env work/.dev.vars .ENV"),
        ("EnvironmentD", ".config/environment.d/50-keys.conf"),
        ("EtcEnvironment", "etc/environment"),
        ("Systemd", ".config/systemd/user/a.service .config/systemd/user/a.service.d/override.conf"),
        ("Plist", "Library/LaunchAgents/a.plist"),
        ("Jsonc", ".claude/settings.json .mcp.json opencode.jsonc"),
        ("TomlText", ".codex/config.toml"),
        ("YamlText", ".aider.conf.yml .config/goose/secrets.yaml"),
        ("Netrc", ".netrc _netrc"),
        ("", "notes.txt .factory/auth.v2 .config/other/x.conf history.jsonl"),
    ],
)
def test_names_and_folders_tell_the_format(expected: str, paths: str):
    assert {path: kind(f"{HOME}/{path}") for path in paths.split()} == dict.fromkeys(paths.split(), expected)


@pytest.mark.parametrize(
    ("shell", "expected"),
    [
        ("zsh", "Posix"),
        ("sh", "Posix"),
        ("fish", "Fish"),
        ("nushell", "Nushell"),
        ("powershell", "PowerShell"),
        ("", ""),
    ],
)
def test_a_file_that_a_shell_reads_has_its_format_if_the_name_says_nothing(shell: str, expected: str):
    assert kind(f"{HOME}/.keys", shell) == expected
    assert kind(f"{HOME}/keys.json", shell) == "Jsonc"


def test_the_providers_hosts_reach_netrc():
    hosts = frozenset({"api.x.ai"})

    assert format_of(f"{HOME}/.netrc", hosts=hosts) == Netrc(hosts)
