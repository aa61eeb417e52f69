"""The preferences of an account, which are one of its rows (protocol.md "preferences")."""

from typing import Annotated

from msgspec import Meta, Struct, msgpack

from chatd.protocol.limits import FOLDER_NAME_MAX, FOLDERS_MAX
from chatd.protocol.push import PushPreferences

# The folder that every account has.
ARCHIVE = 1


class Folder(Struct, frozen=True):
    """A folder of the chat list; 1 is the archive and has no row."""

    id: Annotated[int, Meta(ge=2, le=FOLDERS_MAX)]
    name: Annotated[str, Meta(min_length=1, max_length=FOLDER_NAME_MAX)]


Folders = Annotated[list[Folder], Meta(max_length=FOLDERS_MAX)]


class PreferencesRow(Struct, omit_defaults=True, frozen=True):
    """The account row `preferences`; without one everything is as here."""

    receipts: bool = True
    presence: bool = True
    push: PushPreferences = PushPreferences()
    credit: bool = True
    folders: list[Folder] = []


preferences_of = msgpack.Decoder(PreferencesRow).decode
