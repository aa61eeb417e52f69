"""Files in a terminal: sent and saved on request, while the conversation goes on. Without terminal or socket."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

from chatd.cli.chat.attachments import amount, numbered, saved_name
from chatd.cli.chat.typed import InvalidCommand
from chatd.cli.chat.wording import clean, refusal
from chatd.client import Client, Closed, Message, UploadedFile, kind_for

STALLED_S = 60.0  # at the end: without a byte in this time nothing is expected any more
COPIES_MAX = 1000
SEND_USAGE = "usage: /send PATH [TEXT]; quotes around a path with spaces"
SAVE_USAGE = "usage: /save [#NUMBER] [PATH]"

Post = Callable[[str, UploadedFile], Awaitable[None]]


class FilesView:
    """The files that are on their way. `note` and `complain` show a line, `refresh` the status, `post` puts a message
    with a file into the outbox; `shown`: the messages on the screen."""

    def __init__(
        self,
        client: Client,
        shown: Mapping[int, Message],
        note: Callable[[str], None],
        complain: Callable[[str], None],
        refresh: Callable[[], None],
        post: Post,
    ) -> None:
        self._client = client
        self._shown = shown
        self._note = note
        self._complain = complain
        self._refresh = refresh
        self._post = post
        self._tasks: set[asyncio.Task[None]] = set()
        self._progress: dict[str, int] = {}  # percent, by name
        self._steps = 0

    @property
    def status(self) -> str:
        """What is on its way, and how far."""
        return ", ".join(f"{name} {percent} %" for name, percent in self._progress.items())

    async def settle(self) -> None:
        """Return when nothing is on its way, or nothing moves."""
        while self._tasks:
            before = self._steps
            done, _ = await asyncio.wait(self._tasks, timeout=STALLED_S, return_when=asyncio.FIRST_COMPLETED)
            if not done and self._steps == before:
                for task in self._tasks:
                    task.cancel()
                await asyncio.wait(self._tasks)

    # Commands.

    async def send(self, rest: str) -> None:
        """Send a file, a picture or a video."""
        path, text = first_word(rest)
        if not path:
            raise InvalidCommand(SEND_USAGE)
        target, size = readable(path)
        self._begin(self._send(target, size, text), f"not sent: {clean(target.name)}")

    async def save(self, rest: str) -> None:
        """Save the files of a message."""
        first, _, more = rest.partition(" ")
        number = first.removeprefix("#")
        named = number.isdecimal() and (first.startswith("#") or int(number) in self._shown)
        path, _ = first_word(more if named else rest)
        having = [seq for seq, one in self._shown.items() if files_of(one)]
        seq = int(number) if named else max(having, default=0)
        if seq not in having:
            raise InvalidCommand(f"there is no file in that message; {SAVE_USAGE}")
        files = files_of(self._shown[seq])
        for file, to in zip(files, targets(path or ".", files), strict=True):
            self._begin(self._save(self._shown[seq], file, to), f"not saved: {clean(to.name)}")

    async def _send(self, path: Path, size: int, text: str) -> None:
        name = clean(path.name)
        shows = self._shows(name)
        file = await self._client.upload(
            path, kind=kind_for(path.name), on_progress=lambda sent: shows(sent, size)
        )
        await self._post(text, file)

    async def _save(self, message: Message, file: Mapping[str, Any], to: Path) -> None:
        # What has the name already stays: this one gets a number.
        for number in range(1, COPIES_MAX):
            free = to.with_name(numbered(to.name, number))
            try:
                saved = await self._client.download(
                    message, file, free, on_progress=self._shows(clean(to.name))
                )
            except (FileExistsError, BlockingIOError):
                continue
            self._note(f"saved {clean(str(saved))}, {amount(saved.stat().st_size)}")
            return
        raise FileExistsError("there are too many files of that name")

    def _shows(self, name: str) -> Callable[[int, int], None]:
        def show(done: int, whole: int) -> None:
            self._steps += 1
            percent = 100 * done // max(1, whole)
            if self._progress.get(name) != percent:
                self._progress[name] = percent
                self._refresh()

        return show

    def _begin(self, work: Coroutine[Any, Any, None], failed: str) -> None:
        task = asyncio.create_task(self._report(work, failed))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _report(self, work: Coroutine[Any, Any, None], failed: str) -> None:
        try:
            await work
        except asyncio.CancelledError:
            self._complain(f"{failed}: no connection")
            raise
        except Closed:
            self._complain(failed)
        except Exception as error:
            self._complain(f"{failed}: {REASONS.get(getattr(error, 'name', ''), '') or reason(error)}")
        finally:
            self._progress.clear()
            self._refresh()


REASONS = {
    "quota": "you may not keep more files here",
    "too_large": "it is too large",
    "unreadable": "it is cut or broken",
    "not_found": "it is not there any more",
    "not_supported": "this server does not take it",
}
"""Why a file is not taken or given, by the code."""


def reason(error: Exception) -> str:
    """Return any other failure as the end of a sentence."""
    return clean(error.strerror or str(error)) if isinstance(error, OSError) else clean(refusal(error))


def files_of(message: Message) -> list[Mapping[str, Any]]:
    """Return the attachments of a message that are files of the server."""
    attachments = (message.body or {}).get("attachments") or ()
    return [one for one in attachments if str(one.get("url", "")).startswith("media:")]


def readable(path: str) -> tuple[Path, int]:
    """Return a file and its bytes. Raises InvalidCommand."""
    file = Path(path).expanduser()
    try:
        size = file.stat().st_size
    except OSError as error:
        raise InvalidCommand(f"{clean(path)} cannot be read: {error.strerror}") from None
    if not file.is_file():
        raise InvalidCommand(f"{clean(path)} is no file")
    return file, size


def targets(path: str, files: list[Mapping[str, Any]]) -> list[Path]:
    """Return where files are saved: in a directory under their own names, else there. Raises InvalidCommand."""
    target = Path(path).expanduser()
    if target.is_dir():
        return [target / saved_name(file) for file in files]
    if len(files) > 1 or path.endswith("/") or not target.parent.is_dir():
        raise InvalidCommand(f"{clean(path)} is no directory")
    return [target]


def first_word(typed: str) -> tuple[str, str]:
    """Return the first word, which may stand in quotes or have spaces behind backslashes, and the rest."""
    quote = typed[:1]
    if quote in ("'", '"') and (end := typed.find(quote, 1)) > 0:
        return typed[1:end], typed[end + 1 :].strip()
    word, at = "", 0
    while at < len(typed) and typed[at] != " ":
        at += typed[at] == "\\" and at + 1 < len(typed)
        word, at = word + typed[at], at + 1
    return word, typed[at:].strip()


FilesCommand = Callable[[FilesView, str], Awaitable[None]]

# Name: its function, arguments and meaning.
FILES_COMMANDS: dict[str, tuple[FilesCommand, str, str]] = {
    "send": (FilesView.send, "PATH [TEXT]", "send a file, a picture or a video"),
    "save": (FilesView.save, "[#NUMBER] [PATH]", "save the files of a message, here or in PATH"),
}
