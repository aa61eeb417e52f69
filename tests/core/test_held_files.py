"""Pictures of cards and rooms, wallpapers and evidence, on a real store."""

import pytest

from chatd.core.accounts import Amend
from chatd.core.erasure_steps import EraseMembership, EraseProfile, PurgeRoom
from chatd.core.files import DropFile
from chatd.core.friends import Befriend
from chatd.core.imports import ImportRoom, ImportUser
from chatd.core.moderation import ForgetReports
from chatd.protocol.codec import encode
from chatd.protocol.users import Page
from tests.kit.files import Files, code_of, file_id, share
from tests.kit.inprocess import in_process, new_key

ON = {"people": {"enabled": True}, "media": {"enabled": True}, "moderation": {"enabled": True}}


@pytest.fixture
async def files(tmp_path):
    async with in_process(tmp_path, rates={"enabled": False}, **ON) as server:
        yield Files(server)
        await Files(server).check()


@pytest.fixture
async def ann(files):
    return await files.server.connect("ann")


async def holders(files, file):
    known = await files.known(file)
    return None if known is None else known.holders


async def picture(files, owner, purpose="avatar"):
    return await files.ready(owner, "picture", purpose=purpose)


async def test_a_card_holds_its_pictures_until_it_has_others(files, ann):
    avatar, cover = await picture(files, "ann"), await picture(files, "ann", "cover")
    reply = await ann.request(type="profile.set", avatar=f"media:{avatar}", cover=f"media:{cover}")
    assert reply["profile"]["avatar"] == f"media:{avatar}"
    assert (await holders(files, avatar), await holders(files, cover)) == (
        ("avatar:u:ann",),
        ("cover:u:ann",),
    )
    assert (await files.known(avatar)).file.due_at == 0
    assert await code_of(files.ask(DropFile(avatar, "ann"))) == "conflict"
    await ann.request(type="profile.set", bio="no change of a picture")
    other = await picture(files, "ann")
    await ann.request(type="profile.set", avatar=f"media:{other}")
    assert (await holders(files, avatar), await holders(files, other)) == (None, ("avatar:u:ann",))
    await ann.request(type="profile.set", avatar="https://example.com/a.png", cover="")
    assert (await holders(files, other), await holders(files, cover)) == (None, None)
    assert await files.usage("u:ann") == (0, 0)


async def test_pictures_are_own_ready_and_for_that(files, ann):
    room = await ann.create_group()
    begun = (await files.begin("ann", "picture", purpose="avatar")).file
    wrong = {
        begun: "not_ready", await picture(files, "bob"): "not_found", await picture(files, ""): "not_found",
        await picture(files, "ann", "message"): "not_found", file_id(99): "not_found",
    }  # fmt: skip
    before = await files.dump()
    for file, code in wrong.items():
        url, ids = f"media:{file}", {"room": room, "key": new_key()}
        for packet in (
            {"type": "profile.set", "avatar": url}, {"type": "profile.set", "cover": url},
            {"type": "room.update", "avatar": url, **ids},
            {"type": "room.create", "kind": "group", "key": new_key(), "title": "t", "users": [], "avatar": url},
            {"type": "preferences", "room": room, "wallpaper": url},
        ):  # fmt: skip
            refused = await ann.request(**packet)
            is_ready_for = packet["type"] not in ("preferences",) and "cover" not in packet
            assert refused["code"] == (code if is_ready_for else "not_found"), packet
            assert refused["field"] in packet
    assert await files.dump() == before


async def test_a_room_holds_its_avatar(files, ann):
    first, second = await picture(files, "ann"), await picture(files, "ann")
    room = await ann.create_group(avatar=f"media:{first}")
    assert await holders(files, first) == ("avatar:r:1",)
    await ann.request(type="room.update", room=room, key=new_key(), avatar=f"media:{second}")
    assert (await holders(files, first), await holders(files, second)) == (None, ("avatar:r:1",))
    await ann.request(type="room.update", room=room, key=new_key(), avatar="")
    assert await holders(files, second) is None


async def test_a_wallpaper_is_held_for_one_room(files, ann):
    room, other = await ann.create_group(), await ann.create_group()
    file = await picture(files, "ann", "wallpaper")
    for place in (room, other):
        await ann.request(type="preferences", room=place, wallpaper=f"media:{file}")
    assert await holders(files, file) == ("wallpaper:u:ann:1", "wallpaper:u:ann:2")
    await ann.request(type="preferences", room=room, wallpaper="colour:1")
    assert await holders(files, file) == ("wallpaper:u:ann:2",)
    await files.ask(EraseMembership(other, "ann"))
    assert await holders(files, file) is None


async def test_who_leaves_a_room_has_no_wallpaper_there_any_more(files, ann):
    await files.ask(Befriend("bob"), "ann")
    bob = await files.server.connect("bob")
    rooms = [await ann.create_group("bob") for _ in range(2)]
    file = await picture(files, "bob", "wallpaper")
    for room in rooms:
        await bob.request(type="preferences", room=room, wallpaper=f"media:{file}")
    await bob.request(type="room.leave", room=rooms[0], key=new_key())
    assert await holders(files, file) == ("wallpaper:u:bob:2",)
    await ann.request(type="members.remove", room=rooms[1], key=new_key(), users=["bob"])
    assert await holders(files, file) is None
    await ann.request(type="members.add", room=rooms[1], key=new_key(), users=["bob"])
    reply = await bob.request(type="room.get", room=rooms[1])
    assert "wallpaper" not in reply["summary"]


async def test_the_host_gives_pictures_of_its_own_or_of_the_user(files):
    of_host, of_user, cover = (
        await picture(files, ""), await picture(files, "ann"), await picture(files, "", "cover"),
    )  # fmt: skip
    await files.ask(Amend(avatar=f"media:{of_host}"), "ann")
    await files.ask(Amend(page=encode(Page(cover=f"media:{cover}"))), "ann")
    assert (await holders(files, of_host), await holders(files, cover)) == (
        ("avatar:u:ann",),
        ("cover:u:ann",),
    )
    await files.ask(Amend(avatar=f"media:{of_user}"), "ann")
    assert (await holders(files, of_host), await holders(files, of_user)) == (None, ("avatar:u:ann",))
    assert await code_of(files.ask(Amend(avatar=f"media:{of_user}"), "bob")) == "not_found"
    await files.ask(EraseProfile("ann", ()))
    assert (await holders(files, of_user), await holders(files, cover)) == (None, None)


async def test_an_import_brings_avatars(files):
    own, others = await picture(files, "ann"), await picture(files, "bob")
    done = await files.ask(ImportUser(3, "Ann", f"media:{own}", "person"), "ann")
    assert (done.mended, await holders(files, own)) == ([], ("avatar:u:ann",))
    done = await files.ask(ImportUser(4, "Eve", f"media:{others}", "person"), "eve")
    assert (done.users, done.mended) == (1, [("avatar_dropped", 4)])
    done = await files.ask(ImportRoom(5, "tea", "group", 1, avatar=f"media:{others}"))
    assert (done.rooms, done.mended) == (1, [("avatar_dropped", 5)])
    of_host = await picture(files, "")
    await files.ask(ImportRoom(6, "milk", "group", 1, avatar=f"media:{of_host}"))
    assert await holders(files, of_host) == ("avatar:r:2",)


async def test_a_report_holds_the_files_it_shows(files, ann):
    bob = await files.server.connect("bob")
    await files.ask(Befriend("bob"), "ann")
    room = await ann.create_group("bob")
    neighbour, reported = await files.ready("ann"), await files.ready("ann")
    seqs = [(await share(ann, room, file))["seq"] for file in (neighbour, reported)]
    reply = await bob.request(type="report", key=new_key(), reason="abuse", room=room, seq=seqs[1])
    assert reply["type"] == "ok", reply
    for seq in seqs:
        await ann.request(type="recall", room=room, key=new_key(), target=seq)
    assert await holders(files, neighbour) == await holders(files, reported) == ("report:1",)
    assert (await files.known(reported)).file.due_at == 0
    await files.ask(ForgetReports(files.server.env.now_ms()))
    assert await holders(files, reported) == ("report:1",), "it changed no earlier"
    await files.ask(ForgetReports(files.server.env.now_ms() + 1))
    assert await holders(files, neighbour) is await holders(files, reported) is None
    assert await files.usage("u:ann") == (0, 0)


async def test_a_deleted_room_gives_everything_back_when_it_is_purged(files, ann):
    avatar, wallpaper = await picture(files, "ann"), await picture(files, "ann", "wallpaper")
    room = await ann.create_group(avatar=f"media:{avatar}")
    await ann.request(type="preferences", room=room, wallpaper=f"media:{wallpaper}")
    kept, gone = await files.ready("ann"), await files.ready("ann")
    other = await ann.create_group()
    for file, place in ((kept, room), (gone, room), (kept, other)):
        await share(ann, place, file)
    for number in range(150):
        files.write("INSERT INTO attached VALUES (?, ?)", (1 << 32) + 1000 + number, gone)
    files.write("UPDATE media_usage SET bytes = bytes + 15000, files = files + 150 WHERE account = 'r:1'")
    await ann.request(type="room.delete", room=room, key=new_key())
    assert len(await files.rows("SELECT * FROM attached")) == 153
    assert await holders(files, avatar) is None, "nobody has to see it any more"
    rounds = 0
    while await files.rows("SELECT * FROM deleted_rooms"):
        await files.ask(PurgeRoom(room))
        rounds += 1
    assert rounds < 6
    assert [await files.known(one) is None for one in (avatar, wallpaper, gone, kept)] == [True] * 3 + [False]
    assert await files.usage("r:1") == (0, 0)
    assert await files.usage("u:ann") == (100, 1)
