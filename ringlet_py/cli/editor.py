"""The person's own editor on a draft."""

from __future__ import annotations

import os
import shlex
import subprocess
from typing import TYPE_CHECKING

from ringlet_py.errors import UsageError
from ringlet_py.files.private import read_private, write_private

if TYPE_CHECKING:
    from ringlet_py.cli.session import Session


def edit_text(session: Session, text: str, *, folder: str) -> str:
    """The text as the person left it; the draft lies in the private folder and goes away afterwards."""
    if not session.can_ask:
        raise UsageError(
            "there is nothing to change", hint="give an option, for example --model MODEL, or use a terminal"
        )
    draft = os.path.join(folder, "draft.toml")
    write_private(draft, text.encode())
    try:
        _run_editor(session, draft)
        return read_private(draft).decode()
    finally:
        os.unlink(draft)


def _run_editor(session: Session, draft: str) -> None:
    editor = session.environ.get("VISUAL") or session.environ.get("EDITOR") or ("notepad" if os.name == "nt" else "vi")
    try:
        done = subprocess.run([*shlex.split(editor), draft], check=False)
    except OSError as problem:
        raise UsageError(
            f"the editor {editor!r} cannot be started: {problem.strerror}", hint="export EDITOR=…"
        ) from None
    if done.returncode:
        raise UsageError(f"the editor {editor!r} ended with status {done.returncode}; nothing was changed")
