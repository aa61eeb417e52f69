"""The editing of one line of text by key presses: bytes in, text and events out. Without a terminal."""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

LENGTH_MAX = 8000  # characters: in any script they fit a message body


@dataclass(frozen=True, slots=True)
class Entered:
    """The user pressed Enter on this line."""

    text: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The user pressed Ctrl-D on an empty line."""


# Arrow keys and the like arrive as escape sequences (ECMA-48, 5.4); this editor has no cursor to move.
# An escape inside one begins another, so that it does not matter where reads are cut.
_SEQUENCE = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|O[^\x1b]|[^\x1b])?", re.S)
_UNFINISHED = re.compile(r"\x1b(\[[0-?]*[ -/]*|O)?\Z")


class LineEditor:
    """A line editor with Backspace, Ctrl-U (empty the line), Ctrl-W (drop a word), Enter, Ctrl-D. `text`: its line.

    `encoding`: that of the terminal.
    """

    def __init__(self, encoding: str = "utf-8") -> None:
        self.text = ""
        self._decoder = codecs.getincrementaldecoder(encoding)("replace")
        self._held = ""

    def feed(self, keys: bytes) -> Iterator[Entered | Ended]:
        """Handle input of the terminal, which may be cut anywhere. Consume the result at once."""
        typed = self._held + self._decoder.decode(keys)
        cut = _UNFINISHED.search(typed)
        self._held = cut[0] if cut else ""
        for letter in _SEQUENCE.sub("", typed[: cut.start()] if cut else typed):
            done = self._press(letter)
            if done is not None:
                yield done

    def _press(self, letter: str) -> Entered | Ended | None:
        if letter in "\r\n":
            line, self.text = self.text, ""
            return Entered(line)
        if letter == "\x04":
            return None if self.text else Ended()
        self.text = self._edited(letter)
        return None

    def _edited(self, letter: str) -> str:
        match letter:
            case "\x7f" | "\b":
                return self.text[:-1]
            case "\x15":
                return ""
            case "\x17":
                return re.sub(r"\S*\s*\Z", "", self.text)
        return (
            (self.text + letter)[:LENGTH_MAX]
            if letter.isprintable() or letter in "\u200c\u200d"
            else self.text
        )
