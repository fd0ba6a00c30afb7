"""The published schema of what --json answers: it is one, it is whole, and it is held against what ringlet says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import typer
from jsonschema_rs import meta, validator_for

from ringlet_py.checking import verdicts
from ringlet_py.cli.main import build
from ringlet_py.cli.manifest import commands
from ringlet_py.cli.output import SCHEMA_VERSION
from ringlet_py.configuring import explaining as layers
from ringlet_py.doctor import finding
from ringlet_py.leasing import terms
from ringlet_py.lending import explaining, reports, turns
from ringlet_py.moving import judging
from ringlet_py.profile.check import MEANINGS
from ringlet_py.profile.profile import INHERIT
from ringlet_py.profile.values import ISOLATIONS, SHAPES
from ringlet_py.settings import MASTER_KEYS
from tests import answers

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFINED = answers.whole()["$defs"]
# what is there only where there is something to say; who reads an answer has to look for it
OPTIONAL = {
    "error": {"why", "hint"},
    "record": {"caller", "feature", "pool"},
    "where": {"at", "profile", "agent", "caller", "purpose", "parent_name"},
    "migrate apply": {"would_store", "would_edit"},
    "daemon status": {"answers", "pid", "urls", "socket", "uptime_seconds", "version", "config"},
}
# the words that a text can be, and who has them in the program
WORDS: dict[str, tuple[str, ...]] = {
    "key_of_pool.state": (*explaining.STATES,),
    "pools report.state": (*explaining.STATES,),
    "pools wake.state": (*explaining.STATES,),
    "answer_of_pool.answer": explaining.ANSWERS,
    "pools explain.steps.step": turns.STEPS,
    "pools report.reported": reports.KINDS,
    "lease.state": (terms.RUNNING, terms.EXPIRED, terms.RELEASED, terms.REVOKED),
    "setting.from": (layers.FLAG, layers.ENVIRONMENT, layers.FILE, layers.DEFAULT),
    "config explain.settings.layers.layer": (layers.FLAG, layers.ENVIRONMENT, layers.FILE, layers.DEFAULT),
    "found_key.level": (judging.SURE, judging.PERHAPS, judging.LEFT),
    "doctor.findings.state": finding.STATES,
    "keychain check.checked.outcome": (*MEANINGS, verdicts.UNREACHABLE, verdicts.IMPOSSIBLE, verdicts.UNREADABLE),
    "plan.inherit": INHERIT,
    "profiles inspect.profile.inherit_env": INHERIT,
    "profiles inspect.profile.isolation": ISOLATIONS,
    "profiles inspect.profile.shape": SHAPES,
    "sealed status.configured": MASTER_KEYS,
    "sealed rotate.master_key": MASTER_KEYS,
    # where each word stands by itself
    "entry.backend": ("file", "sealed", "system"),
    "found_value.kind": ("file", "staged", "history", "environment", "keychain"),
    "keychain status.entries.state": ("usable", "inactive", "expired", "resting"),
    "daemon install.became": ("written", "replaced", "unchanged"),
}


def parts(schema: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Each schema in the schema, below the names of the fields that lead to it."""
    if isinstance(schema, dict):
        yield path, schema
        for name, each in schema.get("properties", {}).items():
            yield from parts(each, f"{path}.{name}")
        for inner in (schema.get("items"), schema.get("additionalProperties"), *schema.get("anyOf", ())):
            yield from parts(inner, path)


PARTS = [part for name, schema in DEFINED.items() for part in parts(schema, name)]


def test_it_is_a_schema_and_each_reference_in_it_leads_somewhere() -> None:
    meta.validate(answers.whole())
    referred = re.findall(r"'\$ref': '#/\$defs/([^']+)'", str(answers.whole()))
    assert {name.replace("%20", " ") for name in referred} - DEFINED.keys() == set()


def test_every_command_that_offers_json_is_described_and_nothing_that_there_is_not() -> None:
    found = commands(typer.main.get_command(build()))
    offering = {
        name.removeprefix("ringlet ") for name, each in found if any("--json" in one.opts for one in each.params)
    }
    used = {name.replace("%20", " ") for name in re.findall(r"#/\$defs/([^']+)'", str(answers.whole()))}
    assert sorted(offering - DEFINED.keys()) == []
    assert sorted(DEFINED.keys() - offering - used) == ["pools status --watch", "scan --hook"]


def test_as_published_it_lets_fields_be_added() -> None:
    assert DEFINED["answer"]["properties"] == {"schema_version": {"const": SCHEMA_VERSION}}
    assert not [path for path, each in PARTS if each.get("additionalProperties") is False]
    assert "unevaluatedProperties" not in str(answers.whole())
    told = {"schema_version": 1, "deleted": "images"}
    for more in ({}, {"since": "then"}):
        schema = {**answers.whole(), "$ref": "#/$defs/pools%20delete"}
        assert validator_for(schema).is_valid({**told, **more})


def test_a_field_is_always_there_but_for_a_few() -> None:
    found: dict[str, set[str]] = {}
    for path, each in PARTS:
        assert set(each.get("required", ())) <= each.get("properties", {}).keys(), path
        if optional := each.get("properties", {}).keys() - each.get("required", ()):
            found.setdefault(path.partition(".")[0], set()).update(optional)
    assert found == OPTIONAL


def test_the_words_that_it_tells_are_those_of_the_program() -> None:
    told = {path: sorted(each["examples"]) for path, each in PARTS if "examples" in each}
    assert told == {path: sorted(words) for path, words in WORDS.items()}


SCANNED = {"kind": "file", "place": "x", "line": 1, "address": "acme/work", "form": "plain"}


@pytest.mark.parametrize(
    ("words", "answer", "count"),
    [
        ("pools delete", {"deleted": "images"}, 0),
        ("pools rm images", {"deleted": "images"}, 0),
        ("--json pools delete", {"deleted": "images"}, 0),
        ("pools delete", {"deleted": None}, 1),
        ("pools delete", {}, 1),
        ("pools delete", {"deleted": "images", "since": "then"}, 1),
        ("scan", {"values": 1, "too_short": [], "findings": [SCANNED], "unread": []}, 0),
        ("scan", {"values": 1, "too_short": [], "findings": [{**SCANNED, "more": 1}], "unread": []}, 1),
        ("scan", {"values": 1, "too_short": [], "findings": [{**SCANNED, "kind": "fax"}], "unread": []}, 1),
        ("scan --hook status", {"hook": "x", "installed": True, "changed": False}, 0),
        ("scan --hook status", {"values": 1, "too_short": [], "findings": [], "unread": []}, 4),
        ("config get x", {"name": "x", "value": ["own"], "from": "default", "where": ""}, 0),
        ("config get x", {"name": "x", "value": [1], "from": "default", "where": "", "changed": True}, 2),
        ("where acme", {"address": "acme/work", "places": [], "last_used": None, "unread": []}, 0),
        ("where acme", {"address": "acme/work", "places": [], "last_used": {"by": "me"}, "unread": []}, 1),
        ("where acme", {"code": "key-not-found", "error": "there is no such key"}, 0),
        ("where acme", {"code": "key-not-found", "error": "there is no such key", "value": "x"}, 1),
        ("keychain manage", {}, 1),
    ],
)
def test_in_these_tests_an_answer_has_to_be_exactly_as_it_is_told(words: str, answer: dict[str, Any], count: int):
    assert len(answers.problems_of(words.split(), {"schema_version": 1, **answer})) == count


def test_the_answers_in_what_was_said_are_found() -> None:
    said = 'note: {"x"\n{\n  "schema_version": 1,\n  "deleted": 1\n}\n{"schema_version": 1, "code": "x"}\n{"x": 1}\n{\n'
    assert [*answers.answers(said)] == [{"schema_version": 1, "deleted": 1}, {"schema_version": 1, "code": "x"}]
    answers.check(["run", "work", "--", "--json"], said)
    with pytest.raises(AssertionError, match="deleted"):
        answers.check(["pools", "delete", "--json"], said)
