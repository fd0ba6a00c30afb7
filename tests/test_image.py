from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ringlet_py import image, imaging
from tests.end_to_end.program import PACKAGE_ROOT

pytestmark = pytest.mark.slow

NAMES = sorted(imaging.images(sys.platform))
# as much later than any source as makes it settled
LATER = 10 * imaging.SETTLED
LOAD = """
import sys
from ringlet_py import image
for name in sys.argv[1:]:
    image.load(name)
for name, module in sys.modules.items():
    if name.startswith("ringlet_py.") and module.__spec__ is None:
        print(name, module.__file__, module.__package__, *sorted(vars(module)))
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the package's sources, in the place of our own."""
    copy = tmp_path / "ringlet_py"
    shutil.copytree(Path(PACKAGE_ROOT) / "ringlet_py", copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "__pycache__").mkdir()
    for module in (image, imaging):
        monkeypatch.setattr(module, "FOLDER", str(copy))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    return copy


def keep(package: Path) -> None:
    newest = max(max(image.stamp_of(str(path))[:2]) for path in package.rglob("*.py"))
    imaging.keep_images(now=newest + LATER)


def taken_in(package: Path, *names: str) -> dict[str, list[str]]:
    """What a fresh interpreter gets from these images: each module with its file, package and names."""
    done = subprocess.run(
        [sys.executable, "-c", LOAD, *names],
        env={"PYTHONDONTWRITEBYTECODE": "1", "PATH": os.environ["PATH"]},
        cwd=package.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    return {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines()}


def path_of(package: Path, name: str = "launch") -> Path:
    return package / "__pycache__" / Path(image.path_of(name)).name


def as_python_imports(package: Path, modules: list[str]) -> dict[str, list[str]]:
    """The same of the modules imported one by one, without what only annotations need."""
    script = (
        "import importlib, sys\nfor name in sys.argv[1:]:\n    module = importlib.import_module(name)\n"
        "    print(name, module.__file__, module.__package__, *sorted(vars(module)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *modules],
        env={"PYTHONDONTWRITEBYTECODE": "1", "PATH": os.environ["PATH"]},
        cwd=package.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    left_out = {"annotations", "__cached__", "__annotations__"}
    found = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines()}
    return {module: [name for name in names if name not in left_out] for module, names in found.items()}


@pytest.mark.parametrize("name", NAMES)
def test_an_image_holds_its_modules_as_python_would_import_them(package: Path, name: str):
    keep(package)
    found = taken_in(package, "plan", name, "launch")

    there = (*imaging.PLAN, *imaging.images(sys.platform)[name], *imaging.LAUNCH)
    assert set(found) == {f"ringlet_py.{module}" for module in there}
    # a module that imports another is given its name only when it is imported as well
    children = {module.rpartition(".")[2] for module in found}
    assert {module: sorted({*names} - children) for module, names in found.items()} == {
        module: sorted({*names} - children) for module, names in as_python_imports(package, list(found)).items()
    }


def test_what_is_there_already_is_left_alone(package: Path):
    keep(package)

    assert taken_in(package, "launch", "file", "file", "launch") == taken_in(package, "launch", "file")


def test_an_image_of_another_source_is_not_taken_in(package: Path):
    keep(package)
    source = package / "launcher.py"
    source.write_text(source.read_text() + "\n# changed\n")

    assert taken_in(package, "launch") == {}
    assert taken_in(package, "file") != {}


def test_a_source_that_was_replaced_by_its_equal_counts_as_changed(package: Path):
    keep(package)
    source = package / "launcher.py"
    shutil.copy2(source, package / "other.py")
    (package / "other.py").rename(source)

    assert taken_in(package, "launch") == {}


def test_a_missing_source_is_no_error(package: Path):
    keep(package)
    (package / "errors/tree.py").unlink()
    (package / "lease.py").unlink()

    assert taken_in(package, "launch") == {}


@pytest.mark.parametrize("cut", [0, 1, 20, 40, 1000])
def test_a_shortened_image_is_not_taken_in(package: Path, cut: int):
    keep(package)
    path = path_of(package)
    path.write_bytes(path.read_bytes()[:cut])

    assert taken_in(package, "launch") == {}


def test_a_damaged_image_is_not_taken_in(package: Path, monkeypatch: pytest.MonkeyPatch):
    keep(package)
    path = path_of(package)
    whole = path.read_bytes()
    taken: list[object] = []
    monkeypatch.setattr(image, "_take_in", taken.append)
    monkeypatch.setattr(image, "path_of", lambda _: str(path))
    for place in [*range(60), *range(60, len(whole), 997), len(whole) - 1]:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        image.load("launch")
    assert taken == []

    path.write_bytes(whole)
    image.load("launch")
    assert len(taken) == 1


def test_an_image_of_another_python_or_ringlet_is_not_taken_in(package: Path):
    keep(package)
    path = path_of(package)
    path.write_bytes(path.read_bytes().replace(b"ringlet image 1", b"ringlet image 2", 1))

    assert taken_in(package, "launch") == {}


@pytest.mark.skipif(sys.platform == "win32", reason="a folder cannot be opened there")
def test_what_is_no_file_is_no_image(package: Path):
    path_of(package).mkdir()

    assert taken_in(package, "launch") == {}


def test_no_image_is_made_of_sources_that_have_just_changed(package: Path):
    newest = max(image.stamp_of(str(path))[0] for path in package.rglob("*.py"))
    imaging.keep_images(now=newest)

    assert list(package.glob("__pycache__/*.image")) == []


@pytest.mark.parametrize(("setting", "value"), [("dont_write_bytecode", True), ("pycache_prefix", "/elsewhere")])
def test_no_image_is_made_where_python_keeps_no_compiled_code(
    package: Path, monkeypatch: pytest.MonkeyPatch, setting: str, value: object
):
    monkeypatch.setattr(sys, setting, value)
    keep(package)

    assert list(package.glob("__pycache__/*")) == []


def test_no_image_can_be_made_without_its_folder_and_that_is_no_error(package: Path):
    (package / "__pycache__").rmdir()
    keep(package)

    assert not (package / "__pycache__").exists()


def test_an_image_that_is_right_is_left_alone(package: Path):
    keep(package)
    before = path_of(package).stat().st_ino
    keep(package)

    assert path_of(package).stat().st_ino == before
    assert [path.name for path in (package / "__pycache__").iterdir() if not path.name.endswith(".image")] == []


def test_a_failing_module_is_not_left_half_imported(package: Path):
    (package / "launcher.py").write_text("raise ValueError\n")
    keep(package)
    script = (
        "import sys\nfrom ringlet_py import image\ntry:\n    image.load('launch')\n"
        "except ValueError:\n    print('ringlet_py.launcher' in sys.modules, 'ringlet_py.broker' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=package.parent,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "False True\n"


def test_annotations_and_docstrings_go_and_all_else_stays():
    source = """
from __future__ import annotations
import os
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any
else:
    Any = 1
if TYPE_CHECKING:
    import nowhere
x: int = 2
y: int
class C:
    "of the class"
    z: int
    w: str = "3"
    def f(self, a: Any, *b: int, c: int = 4, **d: int) -> Any:
        "of the function"
        e: int = a
        if TYPE_CHECKING:
            import nowhere
        return e, b, c, d
"""
    names: dict[str, object] = {}
    tree = ast.fix_missing_locations(imaging.Lighter().visit(ast.parse(source)))
    exec(compile(tree, "x", "exec", dont_inherit=True), names)  # noqa: S102 - it is a literal above

    kind = names["C"]
    assert (names["Any"], names["x"], kind.w) == (1, 2, "3")  # type: ignore[attr-defined]
    assert kind().f(1, 2, g=5) == (1, (2,), 4, {"g": 5})  # type: ignore[operator]
    assert kind.f.__annotations__ == {}  # type: ignore[attr-defined]
    assert (kind.__doc__, kind.f.__doc__) == (None, None)  # type: ignore[attr-defined]
    assert "annotations" not in names
    assert "y" not in names
