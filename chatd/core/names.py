"""The texts by which people know each other: names, handles, the lines of a card (protocol.md "Cards").

They stand in the lists and messages of others, so they may not hide, reach into the text around them, or cover it.
"""

from itertools import groupby
from unicodedata import category, normalize

from chatd.protocol.errors import Refused

# They turn the direction of what follows: embeddings, overrides and isolates. Marks of a direction are harmless.
TURNING = frozenset(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A))))
# Control characters, and the line and paragraph separators.
BREAKING = {"Cc", "Zl", "Zp"}
COMBINING = {"Mn", "Me"}
# Invisible, like a joiner: the marks on both sides of one are set on the same letter.
FORMAT = "Cf"
# More than any language sets on one letter; a hundred of them reach over the lines above.
COMBINING_MAX = 8


def checked(text: str, field: str, most: int, *, lines: bool = False) -> str:
    """Return `text` in normal form C; raise Refused("bad_request") for characters that a name may not have.

    `most`: its characters in normal form, which may be more than came. `lines`: line feeds are allowed.
    """
    text = normalize("NFC", text)
    if len(text) > most:
        raise Refused("bad_request", f"`{field}` has over {most} characters", field=field)
    kinds = ["" if lines and char == "\n" else category(char) for char in text]
    if not TURNING.isdisjoint(text) or not BREAKING.isdisjoint(kinds):
        raise Refused("bad_request", f"`{field}` has a control character", field=field)
    stacked = [kind for kind in kinds if kind != FORMAT]
    runs = (sum(1 for _ in run) for combines, run in groupby(stacked, COMBINING.__contains__) if combines)
    if max(runs, default=0) > COMBINING_MAX:
        raise Refused(
            "bad_request", f"`{field}` has over {COMBINING_MAX} combining marks in a row", field=field
        )
    return text
