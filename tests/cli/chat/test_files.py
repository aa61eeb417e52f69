"""files.py: sending and saving files by typed lines, on a client without a server."""

import asyncio
import os

import pytest

from chatd.cli.chat.files import FilesView, first_word
from chatd.cli.chat.typed import InvalidCommand
from chatd.client import Message, QuotaReached, UploadedFile

PICTURE = {"url": "media:f1", "mime": "image/jpeg", "name": "../a.jpg", "kind": "picture"}
NOTE = {"url": "media:f2", "mime": "audio/ogg", "kind": "voice"}


class FakeClient:
    """Takes and gives files at once."""

    def __init__(self):
        self.uploaded = []
        self.refusal = None

    async def upload(self, path, *, kind, on_progress):
        if self.refusal:
            raise self.refusal
        on_progress(3)
        self.uploaded.append((path.name, kind))
        return UploadedFile("f9", kind, path.name, "image/png", 3)

    async def download(self, message, attachment, to, *, on_progress):
        on_progress(1, 2)
        with open(to, "x") as file:
            file.write(attachment["url"])
        return to


class Stage:
    def __init__(self):
        self.client, self.said, self.posted, self.states = FakeClient(), [], [], []
        shown = {
            seq: Message("r", seq, "bob", 0, body={"text": "", "attachments": files})
            for seq, files in ((3, [PICTURE]), (4, [PICTURE, NOTE]), (5, []))
        }
        self.view = FilesView(self.client, shown, self.said.append, self.said.append, self.refresh, self.post)

    def refresh(self):
        self.states.append(self.view.status)

    async def post(self, text, file):
        self.posted.append((text, file.id))


@pytest.fixture
def stage(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Stage()


@pytest.mark.parametrize(
    ("typed", "word", "rest"),
    [
        ("a.png Look at this", "a.png", "Look at this"),
        ("'my a.png' Hi", "my a.png", "Hi"),
        ("my\\ a.png", "my a.png", ""),
    ],
)
def test_a_path_may_have_spaces(typed, word, rest):
    assert first_word(typed) == (word, rest)


async def test_a_picture_is_sent_with_its_text_and_shows_how_far_it_is(stage, tmp_path):
    (tmp_path / "my a.png").write_bytes(b"png")
    await stage.view.send('"my a.png" Look')
    await stage.view.settle()
    assert (stage.client.uploaded, stage.posted) == ([("my a.png", "picture")], [("Look", "f9")])
    assert stage.states == ["my a.png 100 %", ""]


async def test_what_is_not_taken_is_said(stage, tmp_path):
    (tmp_path / "a.bin").write_bytes(b"x")
    stage.client.refusal = QuotaReached({"code": "quota", "scope": "user"})
    await stage.view.send("a.bin")
    await stage.view.settle()
    assert (stage.said, stage.posted) == (["not sent: a.bin: you may not keep more files here"], [])


@pytest.mark.parametrize("typed", ["", "nothing.png", "/"])
async def test_what_cannot_be_read_is_not_sent(stage, typed):
    with pytest.raises(InvalidCommand):
        await stage.view.send(typed)


async def test_the_files_of_a_message_are_saved_and_replace_nothing(stage, tmp_path):
    (tmp_path / "a.jpg").write_text("mine")
    for typed in ("#4", "3", "4 .", "#3 other.jpg"):
        await stage.view.save(typed)
        await stage.view.settle()
    names = ["a (2).jpg", "a (3).jpg", "a (4).jpg", "a.jpg", "other.jpg", "voice (2).oga", "voice.oga"]
    assert sorted(os.listdir(tmp_path)) == names
    assert (tmp_path / "a.jpg").read_text() == "mine"
    assert "saved a (3).jpg, 8 B" in stage.said


@pytest.mark.parametrize("typed", ["#5", "#99", "#4 one-name", "#3 nowhere/a.jpg"])
async def test_what_cannot_be_saved_is_refused(stage, typed):
    with pytest.raises(InvalidCommand):
        await stage.view.save(typed)


async def test_what_does_not_move_is_given_up_at_the_end(stage, tmp_path, monkeypatch):
    monkeypatch.setattr("chatd.cli.chat.files.STALLED_S", 0.0)
    (tmp_path / "a.bin").write_bytes(b"x")
    stage.client.upload = lambda *_, **__: asyncio.Event().wait()
    await stage.view.send("a.bin")
    await asyncio.sleep(0)
    await stage.view.settle()
    assert stage.said == ["not sent: a.bin: no connection"]
