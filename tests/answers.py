"""Holds what --json answers against its published schema, in which every field has to be named."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from jsonschema_rs import validator_for

from ringlet_py.cli.main import build

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PLACE = Path(__file__).parent.parent / "docs/reference/answers.schema.json"


def check(words: Sequence[str], text: str) -> None:
    """That each answer in what the command line with these words said is as the schema has it."""
    head = [*words[: words.index("--")]] if "--" in words else [*words]
    if "--json" in head:
        problems = [problem for answer in answers(text) for problem in problems_of(head, answer)]
        assert not problems, f"{' '.join(words)}: {problems}"


def problems_of(words: Sequence[str], answer: dict[str, Any]) -> list[str]:
    """Where the answer is not as the schema has it."""
    name = "error" if "code" in answer else name_of(words)
    if name not in whole()["$defs"]:
        return [f"the answer of {name!r} is not in {PLACE.name}"]
    return [f"{problem.message} at {problem.instance_path}" for problem in _validator(name).iter_errors(answer)]


def answers(text: str) -> Iterator[dict[str, Any]]:
    """The objects of ringlet's among the lines, each beginning on one of its own."""
    start = 0
    for line in text.splitlines(keepends=True):
        if line.startswith("{"):
            try:
                found, _ = json.JSONDecoder().raw_decode(text, start)
            except ValueError:
                found = {}
            if "schema_version" in found:
                yield found
        start += len(line)


def name_of(words: Sequence[str]) -> str:
    """What the schema calls the command's answer: after its words, and an option that makes it another one."""
    names: list[str] = []
    found = _commands()
    for word in words:
        if word in getattr(found, "commands", {}):
            names.append(_shown(found, word))
            found = found.commands[word]
    name = " ".join(names)
    return next((f"{name} {word}" for word in words if f"{name} {word}" in whole()["$defs"]), name)


def _shown(group: Any, name: str) -> str:
    """The name that help shows of the command, which may have others."""
    told = group.commands[name].help
    same = [other for other, each in group.commands.items() if each.help == told and not each.hidden]
    return name if name in same or not same else same[0]


@cache
def _commands() -> Any:
    return typer.main.get_command(build())


@cache
def whole() -> dict[str, Any]:
    """The schema, as it is published."""
    found: dict[str, Any] = json.loads(PLACE.read_text(encoding="utf-8"))
    return found


@cache
def _validator(name: str) -> Any:
    defined = {each: _strict(schema) for each, schema in whole()["$defs"].items()}
    return validator_for({**_closed(defined[name]), "$schema": whole()["$schema"], "$defs": defined})


def _strict(schema: Any) -> Any:
    """The schema without room for what is not told: no other fields, and of words that are told no others."""
    found = dict(schema)
    for name in ("allOf", "anyOf"):
        if name in found:
            found[name] = [_strict(each) for each in found[name]]
    for name in ("items", "additionalProperties"):
        if name in found:
            found[name] = _closed(_strict(found[name]))
    if "properties" in found:
        found["properties"] = {name: _closed(_strict(each)) for name, each in found["properties"].items()}
    return {**found, "enum": found["examples"]} if "examples" in found else found


def _closed(schema: Any) -> Any:
    """Only where a schema stands for a value, since one that it is made of cannot know the others' fields."""
    return {**schema, "unevaluatedProperties": False}
