"""What a shell's text consists of: its simple commands, and where each stands."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Word:
    """One word, as it is written."""

    start: int
    end: int


@dataclass
class Command:
    """One simple command: its words, without redirections."""

    before: str  # the operator or reserved word before it; "" at the start of a line
    depth: int  # how many compound commands it stands in
    words: list[Word] = field(default_factory=list)
    redirected: bool = False
    after: str = ""  # the operator behind it; "" at the end of the text

    @property
    def start(self) -> int:
        """Where its first word begins."""
        return self.words[0].start

    @property
    def end(self) -> int:
        """Where its last word ends."""
        return self.words[-1].end

    def written(self, text: str) -> list[str]:
        """Its words, as they are written."""
        return [text[word.start : word.end] for word in self.words]


@dataclass
class Script:
    """All that is certain about a text; from `lost` on, nothing is."""

    commands: list[Command] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)  # the lines before which a line of comment may stand
    ends: list[int] = field(default_factory=list)  # the line ends (and the end) before which a comment may stand
    comments: list[tuple[int, int]] = field(default_factory=list)
    again: list[tuple[int, int]] = field(default_factory=list)  # what may run again later: loops and functions
    lost: int = -1

    def until(self, place: int) -> Script:
        """What is certain of it, if nothing from that place on is."""
        return Script(
            commands=[each for each in self.commands if each.end <= place],
            starts=self.starts,
            ends=[end for end in self.ends if end < place],
            comments=[each for each in self.comments if each[1] <= place],
            again=[each for each in self.again if each[1] <= place],
            lost=place,
        )
