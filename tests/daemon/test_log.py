from __future__ import annotations

from ringlet_py.daemon.log import dated


def test_a_message_of_several_lines_is_one_line_with_its_moment() -> None:
    said: list[str] = []

    dated(said.append, lambda: 1795000000.0)("⚠ the server is away\n  start it\n")

    assert said == ["2026-11-18T11:06:40.000Z ⚠ the server is away; start it"]
