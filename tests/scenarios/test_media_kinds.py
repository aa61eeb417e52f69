"""Pictures, video and voice notes from the phone that made them to those who see them, over real sockets."""

import pytest

pytest.importorskip("pyvips")
pytest.importorskip("pillow_heif")
pytest.importorskip("av")

from tests.kit import media_samples as samples
from tests.kit.daemon import config_for, running_daemon
from tests.kit.media_client import attached
from tests.scenarios.test_media import MEDIA, person

SENT = {
    "picture": lambda: samples.photograph(6, 1600, 1200),
    "video": lambda: samples.video("mov", "libx264", "aac"),
    "voice": lambda: samples.voice("webm", "libopus"),
    "sticker": lambda: samples.with_alpha("png"),
}


async def test_each_kind_comes_to_others_as_it_may_be_shown(tmp_path):
    async with running_daemon(config_for(tmp_path, media=MEDIA)) as daemon:
        alice, bob = [await person(daemon, user) for user in ("alice", "bob")]
        room = await alice.chat.create_group("Bicycle", "bob")
        for kind, made in SENT.items():
            file = await alice.files.upload(made(), kind)
            sent = await alice.chat.mutate("send", room, body=attached(file, "image/png"))
            (shown,) = (await bob.chat.next_event(room, "message"))["body"]["attachments"]
            assert shown["kind"] == kind
            for size in ("", *(f"/{size}" for size in shown.get("sizes", ()))):
                fetched = await bob.files.fetch(f"{room}/{sent['seq']}/{file}{size}")
                assert fetched.status == 200, (kind, size)
                assert samples.SECRET not in fetched.body
                assert fetched.headers["content-type"] == (shown["mime"] if not size else "image/jpeg")
                assert "attachment" not in fetched.headers.get("content-disposition", "")
            assert len((await bob.files.fetch(f"{room}/{sent['seq']}/{file}")).body) == shown["size"]
            if kind == "picture":
                assert (shown["width"], shown["height"], shown["sizes"]) == (1600, 1200, ["m", "s"])
            if kind in ("video", "voice"):
                assert shown["duration"] > 900
            if kind == "voice":
                assert len(shown["waveform"]) == 64


async def test_a_file_that_is_none_of_its_kind_is_refused_and_chat_goes_on(tmp_path):
    async with running_daemon(config_for(tmp_path, media=MEDIA)) as daemon:
        alice = await person(daemon, "alice")
        room = await alice.chat.create_group("Bicycle")
        for content, code in ((samples.picture("jpeg")[:900], "unreadable"), (b"<svg/>", "not_supported")):
            begun = await alice.files.begin(len(content), "picture")
            file = begun.headers["location"].rpartition("/")[2]
            refused = await alice.files.append(file, content)
            assert refused.status == (422 if code == "unreadable" else 415)
            assert code.encode() in refused.body
            assert (await alice.files.head(file)).status == refused.status
            assert list((tmp_path / "media" / "incoming").iterdir()) == []
        assert await alice.chat.mutate("send", room, body={"text": "It is a bicycle."})
