from __future__ import annotations

import inspect
import re

from ringlet_py import errors
from ringlet_py.errors import RingletError, tree

CLASSES = [value for value in vars(tree).values() if inspect.isclass(value) and issubclass(value, RingletError)]
HTTP = range(400, 600)


def documented() -> list[tuple[int, str, int | None]]:
    """Depth, name and exit status of each line of the tree in the module's docstring."""
    tree = re.findall(r"^    ( *)([A-Z]\w+)(?: +(\d+))?", inspect.getdoc(errors) or "", re.MULTILINE)
    return [(len(indent) // 2, name, int(status) if status else None) for indent, name, status in tree]


def test_every_error_has_a_code_two_statuses_and_a_hint():
    for kind in CLASSES:
        error = kind("anthropic/work is not there")

        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", error.code), kind
        assert 0 < error.exit_status <= 127, kind
        assert error.http_status in HTTP, kind
        assert error.hint, kind
        assert not error.hint.endswith("."), kind


def test_every_error_is_printed_as_what_happened():
    printed = {kind.__name__: str(kind("the file is gone", why="disk", hint="look")) for kind in CLASSES}

    assert {name: text for name, text in printed.items() if text != "the file is gone"} == {}


def test_codes_are_unique():
    codes = [kind.code for kind in CLASSES]

    assert sorted(codes) == sorted(set(codes))


def test_every_error_defines_its_own_code():
    assert not [kind.__name__ for kind in CLASSES if "code" not in vars(kind)]


def test_the_tree_in_the_docstring_is_the_tree_of_classes():
    path: list[str] = []
    for depth, name, status in documented():
        path[depth:] = [name]
        kind = getattr(errors, name)
        assert status in (None, kind.exit_status), name
        assert kind.__base__.__name__ == (path[depth - 1] if depth else "Exception"), name

    assert sorted(name for _, name, _ in documented()) == sorted(kind.__name__ for kind in CLASSES)


def test_every_exit_status_but_the_base_class_own_is_documented():
    undocumented = {name for depth, name, status in documented() if status is None and depth}

    assert all(getattr(errors, name).exit_status == RingletError.exit_status for name in undocumented)


def test_under_run_statuses_up_to_124_belong_to_the_agent():
    expected = {kind.__name__: kind.exit_status if kind.exit_status in (126, 127) else 125 for kind in CLASSES}

    assert {kind.__name__: kind("x").run_status for kind in CLASSES} == expected


def test_outcomes_that_a_script_tells_apart_have_statuses_of_their_own():
    different = [
        errors.UsageError,
        errors.NotFound,
        errors.ConsentNeeded,
        errors.KeychainLocked,
        errors.KeychainDenied,
        errors.KeychainAbsent,
        errors.KeychainTimeout,
        errors.KeychainBroken,
        errors.InsecurePermissions,
        errors.ConfigError,
        errors.AuditError,
        errors.LaunchError,
    ]

    assert len({kind.exit_status for kind in different}) == len(different)


def test_a_hint_given_replaces_the_class_own_for_that_error_only():
    assert errors.KeyNotFound("x", hint="do this").hint == "do this"
    assert errors.KeyNotFound("x").hint == "ringlet keychain list"
