from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ringlet_py.doctor import places
from tests.doctor.around import made, states, told, write
from tests.end_to_end.program import Home

if TYPE_CHECKING:
    from pathlib import Path

    from ringlet_py.doctor.finding import Finding

MOUNT = "36 35 98:0 / {point} rw,noatime shared:1 - {kind} server:/home rw\n"


def look(home: Home, **environ: str) -> list[Finding]:
    return places.shared(made(home, environ=environ))


def mounted(home: Home, *mounts: tuple[str, str]) -> None:
    lines = [MOUNT.format(point=point.replace(" ", r"\040"), kind=kind) for point, kind in mounts]
    write(home.path / "root/proc/self/mountinfo", "".join(["22 1 8:1 / / rw - ext4 /dev/sda1 rw\n", *lines]))


def test_folders_on_a_disk_of_this_machine_are_fine(home: Home) -> None:
    mounted(home)

    assert look(home) == []


@pytest.mark.parametrize(
    ("folder", "who"),
    [
        ("Dropbox", "Dropbox"),
        ("Dropbox (Work)", "Dropbox"),
        ("OneDrive - Acme", "OneDrive"),
        ("Library/Mobile Documents/x", "iCloud"),
        ("Google Drive", "Google Drive"),
        ("Library/CloudStorage/GoogleDrive-me@example.com", "Google Drive"),
        ("Nextcloud", "Nextcloud"),
    ],
)
def test_a_folder_that_a_program_copies_is_seen(home: Home, folder: str, who: str) -> None:
    synced = home.path / folder
    synced.mkdir(parents=True)
    found = look(home, XDG_CONFIG_HOME=str(synced))

    assert states(found) == ["warning"]
    assert f"by {who}" in told(found)
    assert "export XDG_CONFIG_HOME=" in told(found)


def test_syncthing_is_told_by_what_it_leaves(home: Home) -> None:
    (home.path / ".local/state/.stfolder").mkdir(parents=True)

    assert "by Syncthing" in told(look(home))


def test_a_link_into_such_a_folder_is_followed(home: Home) -> None:
    (home.path / "Dropbox/profiles").mkdir(parents=True)
    (home.path / ".ringlet").symlink_to(home.path / "Dropbox")

    assert "the profiles" in told(look(home))


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "9p", "vboxsf", "fuse.sshfs", "drvfs"])
def test_a_file_system_that_machines_share_is_seen(home: Home, kind: str) -> None:
    mounted(home, (str(home.path), kind))
    found = look(home)

    assert states(found) == ["warning"] * 3
    assert f"({kind})" in told(found)


@pytest.mark.parametrize("kind", ["ext4", "btrfs", "overlay", "tmpfs", "fuse.gocryptfs", "apfs"])
def test_other_file_systems_are_fine(home: Home, kind: str) -> None:
    mounted(home, (str(home.path), kind))

    assert look(home) == []


def test_the_innermost_mount_counts(home: Home, tmp_path: Path) -> None:
    mounted(home, (str(tmp_path), "nfs"), (str(home.path), "ext4"))

    assert look(home) == []


def test_a_mount_point_with_blanks_is_read(tmp_path: Path) -> None:
    home = Home.at(tmp_path / "my home")
    mounted(home, (str(home.path), "nfs"))

    assert len(look(home)) == 3


def test_settings_in_git_are_well_kept_there(home: Home) -> None:
    (home.config / ".git").mkdir()

    assert states(look(home)) == ["note"]


def test_keys_in_git_are_not(home: Home) -> None:
    (home.config / ".git").mkdir()
    write(home.credentials)
    (finding,) = look(home)

    assert finding.state == "warning"
    assert finding.mend == f"printf '%s\\n' credentials.toml http_token master.key >> {home.config}/.gitignore"


def test_keys_that_git_ignores_are_fine(home: Home) -> None:
    (home.config / ".git").mkdir()
    write(home.credentials)
    write(home.config / ".gitignore", "credentials.toml\n/http_token\nmaster.key\n")

    assert look(home) == []


def test_records_in_git_are_to_be_ignored_as_a_whole(home: Home) -> None:
    write(home.state / "audit.jsonl")
    (home.state / ".git").mkdir()
    (finding,) = look(home)

    assert (finding.state, "printf '%s\\n' '*' >>" in finding.mend) == ("warning", True)
