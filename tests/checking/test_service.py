from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ringlet_py.broker import Broker
from ringlet_py.catalog import Catalog
from ringlet_py.checking import Checking
from ringlet_py.checking.asking import Answer
from ringlet_py.entry import Address, Entry
from ringlet_py.errors import AuditUnwritable, CheckImpossible, ConfigError, KeyNotFound
from ringlet_py.secret import Secret
from ringlet_py.testing import MemoryBackend
from tests.records import Records

if TYPE_CHECKING:
    from ringlet_py.audit import Recorder

KEY = Secret("sk-made-up-" + "x7" * 20)
CATALOG = Catalog("/nowhere")


def entry(address: str, **fields: Any) -> Entry:
    return Entry(Address.parse(address), backend="memory", **fields)


def nothing_is_counted() -> Any:
    pytest.fail("a check is no use that is counted")


class World:
    """A backend with one key, and a provider that answers as it is told."""

    def __init__(self, address: str, answer: Answer | None = None) -> None:
        self.asked: list[tuple[str, str]] = []
        self.records = Records()
        backend = MemoryBackend()
        backend.set(Address.parse(address), KEY)
        audit: Recorder = self.records  # type: ignore[assignment]
        self.answer = answer or Answer(status=200, body=b'{"data": []}')
        self.checking = Checking(Broker(backend, audit, nothing_is_counted), audit, CATALOG, asks=self.ask)

    def ask(self, url: str, shape: str, secret: Secret) -> Answer:
        assert secret.same_as(KEY)
        self.asked.append((url, shape))
        return self.answer

    def recorded(self) -> list[tuple[str, ...]]:
        return [tuple(r[name] for name in ("action", "outcome", "address", "purpose")) for r in self.records.kept]


@pytest.mark.parametrize(
    ("address", "fields", "endpoint", "url"),
    [
        ("anthropic/work", {}, "", "https://api.anthropic.com/v1/models?limit=1"),
        ("openai", {}, "", "https://api.openai.com/v1/models"),
        ("openrouter", {}, "", "https://openrouter.ai/api/v1/key"),
        ("gemini", {}, "", "https://generativelanguage.googleapis.com/v1beta/models?pageSize=1"),
        ("groq", {}, "", "https://api.groq.com/openai/v1/models"),
        ("mistral", {}, "", "https://api.mistral.ai/v1/models"),
        ("xai", {}, "", "https://api.x.ai/v1/api-key"),
        ("deepseek", {}, "", "https://api.deepseek.com/user/balance"),
        ("minimax", {}, "", "https://api.minimax.io/v1/models"),
        ("minimax", {}, "china", "https://api.minimaxi.com/v1/models"),
        ("zai", {}, "", "https://api.z.ai/api/coding/paas/v4/models"),
        ("zai", {}, "general", "https://api.z.ai/api/paas/v4/models"),
        ("openai", {"base_url": "https://gate.example/o"}, "", "https://gate.example/o/models"),
        ("anthropic", {"base_url": "http://127.0.0.1:8080"}, "", "http://127.0.0.1:8080/v1/models?limit=1"),
    ],
)
def test_a_key_goes_to_its_providers_own_address(address: str, fields: Any, endpoint: str, url: str) -> None:
    world = World(address)
    one = entry(address, **fields)
    world.checking.check(one, endpoint)

    assert [asked for asked, _ in world.asked] == [url] == [world.checking.place(one, endpoint)]


def test_the_claim_and_the_outcome_are_recorded() -> None:
    world = World("anthropic/work", Answer(status=401))

    assert world.checking.check(entry("anthropic/work")).outcome == "rejected"
    assert [(r["action"], r["outcome"], r["address"], r["purpose"]) for r in world.records.kept] == [
        ("claim", "ok", "anthropic/work", "check"),
        ("check", "rejected", "anthropic/work", "rejected: api.anthropic.com/v1/models"),
    ]


def test_what_works_is_ok_in_the_record() -> None:
    world = World("anthropic/work", Answer(status=429, body=b"{}"))
    world.checking.check(entry("anthropic/work"))

    assert world.recorded()[-1][1:] == ("ok", "anthropic/work", "rate-limited: api.anthropic.com/v1/models")


def test_what_cannot_be_recorded_is_not_asked() -> None:
    world = World("anthropic/work")
    world.records.full = True

    with pytest.raises(AuditUnwritable):
        world.checking.check(entry("anthropic/work"))
    assert world.asked == []


def test_a_key_that_is_not_there_is_not_asked_about() -> None:
    world = World("anthropic/work")

    with pytest.raises(KeyNotFound):
        world.checking.check(entry("anthropic/home"))
    assert world.asked == []


@pytest.mark.parametrize(
    ("address", "fields", "endpoint"),
    [
        ("custom/x", {}, ""),
        ("claude-subscription/x", {}, ""),
        ("deepseek/x", {"base_url": "https://gate.example"}, ""),
        ("minimax/x", {}, "chna"),
        ("openai/x", {"base_url": "http://gate.example"}, ""),
        ("openai/x", {"base_url": "https://u@gate.example"}, ""),
    ],
)
def test_what_nobody_knows_how_to_ask_is_not_claimed(address: str, fields: Any, endpoint: str) -> None:
    world = World(address)

    with pytest.raises(ConfigError) as raised:
        world.checking.check(entry(address, **fields), endpoint)

    assert isinstance(raised.value, CheckImpossible)
    assert not world.records.kept
    assert not world.asked
