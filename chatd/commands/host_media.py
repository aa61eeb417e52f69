"""Files as the host and operators ask about them: whose they are, what they take, and those that have to go."""

from chatd.commands.admin import Admin, Writes
from chatd.commands.media_door import MediaDoor
from chatd.core.audit import Audit
from chatd.core.file_removal import TakenDown
from chatd.core.files import TakeDown
from chatd.core.held_files import PutSticker
from chatd.core.link_key import LINK_KEY_BYTES, SetLinkKey
from chatd.env import Env
from chatd.storage.interface import Store
from chatd.storage.media import FileUsage, OwnFiles

# Of users and rooms that have most: whom an operator may want to talk to.
LARGEST = 20
# Of a page of files: more than any has.
PAGE_BYTES = 4 << 20


class HostMedia:
    """The files of all users. What is read of a person is in the audit."""

    def __init__(self, store: Store, door: MediaDoor, admin: Admin, writes: Writes, env: Env) -> None:
        self._store = store
        self._door = door
        self._admin = admin
        self._writes = writes
        self._env = env

    async def of_user(self, user: str, more: str, limit: int, audit: Audit) -> OwnFiles:
        """Return a page of the files of a user, the newest first; also while media are off."""
        await self._admin.note(audit)
        return await self._store.own_files(user, more, limit, PAGE_BYTES)

    async def take_down(self, file: str, audit: Audit, *, block: bool) -> None:
        """Take a file out of every place; `block`: and refuse the same bytes from now on. Raises Refused."""
        taken = await self._writes("", TakeDown(file, block), audit)
        while isinstance(taken, TakenDown) and taken.more:
            taken = await self._writes("", TakeDown(file, block), audit)

    async def stickers(self) -> list[tuple[str, str]]:
        """Return the stickers, each a name and its file."""
        return await self._store.stickers()

    async def put_sticker(self, name: str, file: str, audit: Audit) -> None:
        """Offer a picture to everybody under a name; "" for none any more. Raises Refused."""
        await self._writes("", PutSticker(name, file), audit)

    async def usage(self) -> FileUsage:
        """Return what files take."""
        return await self._store.file_usage(LARGEST)

    async def rotate_links(self, audit: Audit) -> None:
        """Sign links with another key, so that those that were given are void. Raises Refused."""
        self._door.require()
        await self._writes("", SetLinkKey(self._env.random_bytes(LINK_KEY_BYTES)), audit)
