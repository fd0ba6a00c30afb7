"""The manual pages are what the program says, whole, and without fault to who sets them."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from typing import TYPE_CHECKING

import pytest

from tests.completion.shells import need
from tests.docs.pages import ROOT

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType


def program() -> ModuleType:
    """`.ci/manual`, which writes the pages."""
    loader = SourceFileLoader("manual", str(ROOT / ".ci/manual"))
    spec = spec_from_loader("manual", loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


MANUAL = program()


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    """The pages as the program has them now, which takes a while to find out."""
    found: dict[str, str] = MANUAL.pages()
    return found


def test_the_pages_are_what_the_program_says(pages: dict[str, str]):
    assert MANUAL.stale(pages) == []


def test_every_command_and_each_of_its_options_is_in_the_page_of_its_first_word(pages: dict[str, str]):
    shown = {name: text.replace("\\-", "-") for name, text in pages.items()}
    missing = []
    for full, command in MANUAL.REFERENCE.all_commands().items():
        page = shown[f"{MANUAL.page_name(full)}.1"]
        options = [each for each in command.params if each.param_type_name == "option" and not each.hidden]
        names = [name for each in options for name in (*each.opts, *each.secondary_opts)]
        missing += [f"{full} {name}" for name in names if name not in page]
        missing += [] if f".SS {full} " in page or f".SS {full}\n" in page else [full]

    assert missing == []


def test_the_first_page_names_every_other(pages: dict[str, str]):
    others = sorted(set(pages) - {"ringlet.1"})

    assert [name for name in others if MANUAL.bold(name.removesuffix(".1")) not in pages["ringlet.1"]] == []


@pytest.mark.parametrize(
    ("text", "roff"),
    [
        ("--all", "\\-\\-all"),
        (".hidden", "\\&.hidden"),
        ("'quoted'", "\\(aqquoted\\(aq"),
        ("C:\\x ~ ^ `", "C:\\ex \\(ti \\(ha \\(ga"),
        ("two\n.lines", "two .lines"),
        ("…", "\\[u2026]"),
    ],
)
def test_no_text_is_taken_for_a_command(text: str, roff: str):
    assert MANUAL.plain(text) == roff


@pytest.mark.slow
def test_who_sets_the_pages_has_nothing_to_say():
    pages = sorted(str(path) for path in (ROOT / "docs/man").glob("*.1"))
    said = subprocess.run(
        [need("groff"), "-man", "-Tutf8", "-ww", "-z", *pages], capture_output=True, text=True, timeout=60, check=True
    )

    assert said.stderr == ""


@pytest.mark.slow
def test_a_wheel_brings_them_where_man_looks(tmp_path: Path, pages: dict[str, str]):
    build = (
        "import sys; from hatchling.builders.wheel import WheelBuilder; "
        "list(WheelBuilder(sys.argv[1]).build(directory=sys.argv[2], versions=['standard']))"
    )
    subprocess.run([sys.executable, "-c", build, str(ROOT), str(tmp_path)], timeout=120, check=True)
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        brought = {name.rpartition("share/man/man1/")[2] for name in archive.namelist() if "/share/man/" in name}

    assert brought == set(pages)
