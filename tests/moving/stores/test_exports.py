"""What Doppler, Infisical and 1Password leave in a folder, in the forms that their documentation shows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from ringlet_py.moving.stores.exports import Exports
from ringlet_py.moving.stores.references import reference, references
from ringlet_py.secret import Secret
from tests.moving.stores.shown import ANTHROPIC, MISTRAL, OPENAI, PROVIDERS, found, holds, named, note

if TYPE_CHECKING:
    from pathlib import Path

VALUES = {
    "ANTHROPIC_API_KEY": ANTHROPIC,
    "DOPPLER_PROJECT": "backend",
    "EMPTY_KEY": "",
    "LATER_KEY": "op://vault/item/field",
    "MISTRAL_API_KEY": MISTRAL,
    "OPENAI_API_KEY": OPENAI,
    "STRIPE_KEY": "sk_live_0123456789",
    "TEXT_KEY": "two words",
}
OFFERED = [
    ("ANTHROPIC_API_KEY", "anthropic", ""),
    ("MISTRAL_API_KEY", "mistral", ""),
    ("OPENAI_API_KEY", "openai", ""),
    ("STRIPE_KEY", "", "stripe"),
]
INFISICAL = [{"key": name, "value": value, "type": "shared", "tags": None} for name, value in VALUES.items()]
YAML = "".join(
    f"{name}: {json.dumps(value) if ' ' in value or not value else value}\n" for name, value in VALUES.items()
)
CSV = "Key,Value\n" + "".join(f"{name},{value}\n" for name, value in VALUES.items())
FORMS = {
    "doppler.json": json.dumps(VALUES),
    "secrets.json": json.dumps(INFISICAL),
    "secrets.csv": CSV,
    "secrets.yaml": YAML,
    "doppler.yaml": "".join(f"{name}: {json.dumps(value)}\n" for name, value in VALUES.items()),
}


def store(folder: Path, name: str, text: str) -> Exports:
    (folder / name).write_text(text)
    return Exports([str(folder / name)], str(folder), PROVIDERS)


@pytest.mark.parametrize("name", FORMS)
def test_the_keys_of_an_export_are_offered(tmp_path: Path, name: str) -> None:
    keys = found(store(tmp_path, name, FORMS[name]))

    assert named(keys) == OFFERED
    assert all(map(holds, keys, [ANTHROPIC, MISTRAL, OPENAI]))
    assert keys[0].remove.startswith(f"rm {tmp_path}/{name}")


@pytest.mark.parametrize("name", [name for name in FORMS if not name.endswith("yaml")])
@pytest.mark.parametrize("text", ["base64:500000-c2FsdA==-aXY=-ZGF0YQ==", "", "[" * 100_000, '"'])
def test_a_sealed_or_strange_export_is_a_note(tmp_path: Path, name: str, text: str) -> None:
    assert f"{name} was not read: it is sealed, or not as the tool writes it" in note(store(tmp_path, name, text))


def test_references_in_a_dotenv_file_are_counted_and_no_keys(tmp_path: Path) -> None:
    text = 'A=op://v/i/f\nexport B="op://v/i/g"\n# C=op://no\nD=https://x\nE=doppler://p/c/S\n'
    assert note(store(tmp_path, ".env", text)).endswith(
        "has references (2 of 1Password, 1 of Doppler), which are no keys"
    )


def test_a_dotenv_file_without_references_is_somebody_elses_task(tmp_path: Path) -> None:
    assert store(tmp_path, "doppler.env", f"OPENAI_API_KEY={OPENAI}\n").finds() == ([], [])


def test_dopplers_sealed_copies_are_a_note(tmp_path: Path) -> None:
    (tmp_path / ".doppler/fallback").mkdir(parents=True)
    (tmp_path / ".doppler/fallback/.secrets-1.json").write_text("hex:aa-bb-cc")
    assert "remove them with: doppler run clean" in note(Exports([], str(tmp_path), PROVIDERS))


def test_a_file_that_is_gone_or_cannot_be_read_does_not_stop_the_others(tmp_path: Path) -> None:
    (tmp_path / "secrets.json").mkdir()
    (tmp_path / "doppler.json").write_text(FORMS["doppler.json"])
    paths = [str(tmp_path / name) for name in ("secrets.csv", "secrets.json", "doppler.json")]

    assert len(found(Exports(paths, str(tmp_path), PROVIDERS), notes=1)) == len(OFFERED)


def test_a_reference_is_told_by_its_beginning() -> None:
    assert reference(Secret("op://vault/item/field")) == "1Password"
    assert reference(Secret(OPENAI)) == ""
    assert references("A=1\n") == {}
