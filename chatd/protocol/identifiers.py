"""Types and bounds of identifiers and counters (protocol.md "Identifiers and counters")."""

from typing import Annotated

from msgspec import Meta

# The largest integer that a JSON number carries exactly.
U53_MAX = 2**53 - 1

U53 = Annotated[int, Meta(ge=0, le=U53_MAX)]
RequestId = Annotated[int, Meta(ge=1, le=U53_MAX)]
Seq = Annotated[int, Meta(ge=1, le=U53_MAX)]
Milliseconds = Annotated[int, Meta(ge=0, le=U53_MAX)]

User = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_\-.:@|+]{1,64}\Z")]
# Of a user, or of all members of a room.
Mention = Annotated[str, Meta(pattern=r"^(\*|[A-Za-z0-9_\-.:@|+]{1,64})\Z")]
Device = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_\-]{22}\Z")]
Room = Annotated[str, Meta(pattern=r"^[A-Za-z0-9]{12}\Z")]
# One that is set may be empty, which ends it.
LinkedRoom = Annotated[str, Meta(pattern=r"^([A-Za-z0-9]{12})?\Z")]
Key = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_\-]{8,36}\Z")]
# Chosen by users and told aloud: case does not tell two apart. One that is set may be empty, which gives it back.
Handle = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.]{3,32}\Z")]
NewHandle = Annotated[str, Meta(pattern=r"^([A-Za-z0-9_.]{3,32})?\Z")]
# As much as most proxies accept in one header line; a JWT has about 500 bytes.
Token = Annotated[str, Meta(min_length=1, max_length=4096)]

# App, os, locale, feature word.
Word = Annotated[str, Meta(max_length=64)]
Title = Annotated[str, Meta(max_length=256)]
# A URL or a key of the host app.
Address = Annotated[str, Meta(max_length=2048)]

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def room_name(letter: str, number: int) -> str:
    """Return the public name of a room: its letter ('d' direct, 'g' group) and 64 random bits as 11 base62 digits.

    >>> room_name("g", 0)
    'g00000000000'
    """
    digits = []
    for _ in range(11):
        number, digit = divmod(number, 62)
        digits.append(BASE62[digit])
    return letter + "".join(reversed(digits))
