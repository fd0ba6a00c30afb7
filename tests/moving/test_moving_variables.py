from __future__ import annotations

from ringlet_py.moving import made
from ringlet_py.moving.applying import planned
from ringlet_py.moving.judging import LEFT, SURE
from ringlet_py.moving.windows_variables import PLACE, TEXT, TEXT_TO_EXPAND, UserVariables
from tests.moving.test_windows_variables import FakeRegistry
from tests.moving.world import A, B, World


def test_a_variable_that_windows_keeps_is_moved_and_put_back(world: World):
    registry = FakeRegistry(("ANTHROPIC_API_KEY", A, TEXT), ("Path", "x", TEXT))
    variables = UserVariables(registry)
    app = world.app
    (find,) = world.scan(variables=variables.listed).finds

    mover = made.mover(app.keychain, app.folders, app.clock)
    object.__setattr__(mover, "variables", variables)
    done = mover.apply(planned([find], app.catalog.providers))

    assert (find.place, find.level, done.taken_out, done.problems) == (PLACE, SURE, ["ANTHROPIC_API_KEY"], [])
    assert registry.kept == [("Path", "x", TEXT)]
    assert world.value("anthropic/default") == A
    undoing = made.undoing(app.keychain, app.broker, app.folders, app.clock)
    object.__setattr__(undoing, "registry", variables)
    undone = undoing.undo(undoing.planned(made.receipts(app.folders).latest()))
    assert (undone.paths, undone.problems) == (["ANTHROPIC_API_KEY"], [])
    assert sorted(registry.kept) == [("ANTHROPIC_API_KEY", A, TEXT), ("Path", "x", TEXT)]


def test_one_that_was_changed_meanwhile_is_left_and_leaves_no_receipt(world: World):
    registry = FakeRegistry(("ANTHROPIC_API_KEY", A, TEXT))
    variables = UserVariables(registry)
    app = world.app
    plan = planned(world.scan(variables=variables.listed).finds, app.catalog.providers)
    registry.kept = [("ANTHROPIC_API_KEY", B, TEXT)]
    mover = made.mover(app.keychain, app.folders, app.clock)
    object.__setattr__(mover, "variables", variables)

    done = mover.apply(plan)

    assert "ANTHROPIC_API_KEY was left as it is" in done.problems[0]
    assert registry.kept == [("ANTHROPIC_API_KEY", B, TEXT)]
    assert made.receipts(app.folders).ids() == []


def test_one_that_windows_expands_is_told_and_left(world: World):
    registry = FakeRegistry(("ANTHROPIC_API_KEY", f"{A}%X%", TEXT_TO_EXPAND))

    (find,) = world.scan(variables=UserVariables(registry).listed).finds

    assert (find.level, find.why) == (LEFT, "Windows replaces other variables' names in its value")


def test_a_registry_that_cannot_be_read_is_a_note(world: World):
    class Closed(FakeRegistry):
        def values(self) -> list[tuple[str, object, int]]:
            raise PermissionError(13, "denied")

    found = world.scan(variables=UserVariables(Closed()).listed)

    assert found.finds == []
    assert found.notes == [f"{PLACE} was not read: denied"]
