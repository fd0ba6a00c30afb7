"""The real coding agents: where they are, how each is asked one question, and what its upstream then sees."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.end_to_end.program import PACKAGE_ROOT

INSTALLED = Path(PACKAGE_ROOT) / ".cache/agents/bin"
MODEL = "test-model"


@dataclass(frozen=True)
class Case:
    """One agent with one provider, and how the key arrives."""

    component: str  # its name in .ci/agents
    agent: str  # also the name of its binary
    provider: str
    ask: tuple[str, ...]
    header: tuple[str, str]  # its name, and what stands before the key in it
    base: str = ""  # what the provider's base URL has behind its host
    prefix: str = "sk-ringlet-test-"

    def headers(self, key: str) -> dict[str, str]:
        """The headers with a key that every question must have, and no others."""
        name, before = self.header
        return {name: before + key}


BEARER = ("authorization", "Bearer ")
CASES = (
    Case("claude-code", "claude", "anthropic", ("-p", "say hi", "--bare"), ("x-api-key", ""), prefix="sk-ant-api03-"),
    Case("claude-code", "claude", "openrouter", ("-p", "say hi"), BEARER, prefix="sk-or-v1-"),
    Case("codex", "codex", "openai", ("exec", "--skip-git-repo-check", "say hi"), BEARER, base="/v1"),
    Case("opencode", "opencode", "openai", ("run", "say hi"), BEARER, base="/v1"),
    Case("gemini", "gemini", "gemini", ("--skip-trust", "-p", "say hi"), ("x-goog-api-key", ""), prefix="AIza"),
    Case("grok", "grok", "xai", ("-p", "say hi"), BEARER, base="/v1", prefix="xai-"),
)


def path_with(case: Case) -> str:
    """A PATH on which the agent and its node are; skips the test, or fails it where CI needs the agent."""
    path = os.pathsep.join([str(INSTALLED), os.environ.get("PATH", os.defpath)])
    found = shutil.which(case.agent, path=path)
    if found is None:
        _skip_or_fail(case)
    node = shutil.which("node", path=path)
    folders = [os.path.dirname(program) for program in (found, node) if program]
    return os.pathsep.join([*folders, "/usr/bin", "/bin"])


def _skip_or_fail(case: Case) -> None:
    problem = f"{case.agent} is not installed (.ci/npm installs what .ci/agents names)"
    if case.component in os.environ.get("RINGLET_REQUIRE", "").split():
        pytest.fail(f"{case.component} is required here: {problem}")
    pytest.skip(problem)
