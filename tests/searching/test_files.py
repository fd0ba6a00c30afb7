from __future__ import annotations

import os
from pathlib import Path

import pytest

from ringlet_py.searching import files
from ringlet_py.searching.files import Files

posix = pytest.mark.skipif(os.name == "nt", reason="links and FIFOs are POSIX's")


def listed(*paths: Path, skipped: tuple[str, ...] = (), asked: bool = True) -> tuple[list[str], list[str]]:
    """The names and contents that are given, and the problems."""
    problems: list[str] = []
    found = []
    for source in Files(map(str, paths), skipped=skipped, problems=problems, asked=asked).sources():
        buffer = bytearray(100)
        size = source.read(memoryview(buffer)) or 0
        found.append(f"{Path(source.place).name}={buffer[:size].decode('latin-1')}")
    return found, problems


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "made"
    (made / "b" / ".hidden").mkdir(parents=True)
    (made / "a").write_bytes(b"\0\1")
    (made / "b" / "c").write_text("c")
    (made / "b" / ".hidden" / "d.png").write_text("d")
    return made


def test_every_file_below_a_folder_is_given_binary_and_hidden_ones_too(folder: Path):
    assert listed(folder) == (["a=\0\1", "c=c", "d.png=d"], [])


def test_a_file_that_is_reached_twice_is_given_once(folder: Path):
    assert listed(folder, folder / "a", folder / "b")[0] == ["a=\0\1", "c=c", "d.png=d"]


def test_the_size_is_that_of_all_files(folder: Path):
    assert Files([str(folder)], problems=[]).size() == 4


def test_what_is_not_there_is_a_problem(folder: Path):
    found, problems = listed(folder / "none", folder / "a")

    assert found == ["a=\0\1"]
    assert problems == [f"{folder / 'none'}: No such file or directory"]


def test_the_keychains_own_file_is_left_out(folder: Path):
    assert listed(folder, skipped=(str(folder / "a"),))[0] == ["c=c", "d.png=d"]


def test_gits_objects_are_left_out_and_other_folders_of_the_name_are_not(folder: Path):
    for place in (".git/objects", ".git/refs", "src/objects", "src/refs"):
        (folder / place).mkdir(parents=True)
    (folder / ".git" / "HEAD").write_text("h")
    (folder / ".git/objects/o").write_text("o")
    (folder / "src/HEAD").write_text("made to look like a repository")
    (folder / "src/objects/p").write_text("p")

    assert listed(folder)[0] == ["a=\0\1", "HEAD=h", "c=c", "d.png=d", "HEAD=made to look like a repository", "p=p"]


@posix
def test_another_name_of_the_keychains_own_file_is_a_place_like_any(folder: Path):
    (folder / "synced").hardlink_to(folder / "a")

    assert listed(folder, skipped=(str(folder / "a"),))[0] == ["synced=\0\1", "c=c", "d.png=d"]


@posix
def test_symbolic_links_are_followed_only_where_they_are_named(folder: Path, tmp_path: Path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "e").write_text("e")
    (folder / "link").symlink_to(tmp_path / "elsewhere")
    (folder / "file").symlink_to(tmp_path / "elsewhere" / "e")
    (folder / "circle").symlink_to(folder)

    assert listed(folder)[0] == ["a=\0\1", "c=c", "d.png=d"]
    assert listed(folder / "link")[0] == ["e=e"]
    assert listed(folder / "file")[0] == ["e=e"]


@posix
def test_a_fifo_is_passed_over_without_waiting_and_told_where_it_was_asked_for(folder: Path):
    os.mkfifo(folder / "fifo")

    assert listed(folder) == (["a=\0\1", "c=c", "d.png=d"], [])
    assert listed(folder / "fifo") == ([], [f"{folder / 'fifo'} is neither a file nor a folder"])
    assert listed(folder / "fifo", asked=False) == ([], [])


@posix
def test_what_takes_the_place_of_a_file_meanwhile_is_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch):
    entry = (folder / "a").stat()
    (folder / "a").unlink()
    (folder / "a").symlink_to("/etc/passwd")
    monkeypatch.setattr(files, "_below", lambda path, problems, *, asked: [(path, entry)])

    found, problems = listed(folder / "a")
    assert found == []
    assert len(problems) == 1


@posix
def test_what_cannot_be_read_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch):
    real = os.open

    def refuse(path: str, flags: int) -> int:
        if path.endswith("c"):
            raise PermissionError(13, "Permission denied", path)
        return real(path, flags)

    monkeypatch.setattr("ringlet_py.searching.files.os.open", refuse)

    assert listed(folder) == (["a=\0\1", "d.png=d"], [f"{folder / 'b' / 'c'}: Permission denied"])


@posix
@pytest.mark.parametrize("top", [".", "/", "//", "/../"])
def test_what_the_kernel_shows_is_no_file_however_the_path_is_written(
    top: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for name in ("proc", "sys", "dev", "a/proc"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "file").write_text("")
    monkeypatch.setattr(files, "_NOT_FILES", {str(tmp_path.resolve() / name) for name in ("proc", "sys", "dev")})
    monkeypatch.chdir(tmp_path)
    path = top if top == "." else f"{tmp_path}{top}".replace("/../", f"/../{tmp_path.name}")

    found = list(Files([path], problems=[]).sources())

    assert [Path(source.place).resolve().relative_to(tmp_path.resolve()) for source in found] == [Path("a/proc/file")]
