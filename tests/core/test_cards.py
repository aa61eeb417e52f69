"""Cards and spans: what a body may have, and that a refusal names the field."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import convert

from chatd.core.cards import SHAPES, host_of
from chatd.core.messages import check_body
from chatd.core.read_set import Rules
from chatd.core.screening import texts_of, unmasked_texts, with_texts
from chatd.protocol.cards import Card
from chatd.protocol.codec import encode
from chatd.protocol.errors import Refused
from chatd.protocol.messages import Body, Send
from tests.kit.memory_writer import MemoryWriter, group

RULES = Rules(image_hosts=frozenset(("img.example.com",)))
PICTURE = "https://img.example.com/p/1.jpg"
# One of each key, as it may be.
VALUES = {
    "url": "https://example.com/a?b#c",
    "title": "Title",
    "text": "Text",
    "image": PICTURE,
    "images": [PICTURE, "media:AAAAAAAAAAAAAAAAAAAAAA"],
    "ref": "a/771",
    "user": "ann",
    "invite": "q0Lr5Tz8XbN2mVcK7wYs1A",
    "lat": 481_370_000,
    "lon": -1_800_000_000,
    "count": 31,
    "width": 512,
    "height": 512,
    "data": '{"a":1}',
}
# The table of the document, by type: what it must have, and may.
TABLE = {
    "link": ("url title", "text image"),
    "post": ("ref title", "url text image images user count data"),
    "album": ("ref title", "url text image images user count data"),
    "app": ("ref title", "url text image images user count data"),
    "place": ("lat lon", "title text image"),
    "contact": ("user", "title image"),
    "room": ("invite", "title image"),
    "sticker": ("ref image", "width height"),
}


def body(card=None, text="hello", **more):
    given = {"text": text, "card": card, **more}
    return convert({name: value for name, value in given.items() if value is not None}, Body)


def fault(body, rules=RULES):
    """Return the code and the field of a refusal, None where there is none."""
    try:
        check_body(body, rules, files=True)
    except Refused as refused:
        return refused.code, refused.field
    return None


def card(type, *names, **more):
    return {"type": type, **{name: VALUES[name] for name in names}, **more}


@pytest.mark.parametrize("type", TABLE)
def test_a_card_has_what_its_type_must_have_and_nothing_that_it_may_not(type):
    must, may = (names.split() for names in TABLE[type])
    assert (SHAPES[type].must, SHAPES[type].may) == (tuple(must), set(may))
    assert fault(body(card(type, *must))) is None
    assert fault(body(card(type, *must, *may))) is None
    for missing in must:
        rest = [name for name in must if name != missing]
        assert fault(body(card(type, *rest, *may))) == ("bad_request", f"body.card.{missing}")
    for other in VALUES.keys() - {*must, *may}:
        assert fault(body(card(type, *must, other))) == ("bad_request", f"body.card.{other}")


def test_a_card_of_another_type_may_have_anything_up_to_its_bound():
    assert SHAPES.keys() == TABLE.keys()
    assert fault(body(card("recipe", *VALUES))) is None
    assert fault(body(card("recipe"), text=None)) is None
    assert fault(body(card("recipe", data="x" * 4096))) == ("too_large", "body.card")
    assert fault(body(card("post", "ref", "title", data="x" * 4096))) is None
    images = ["https://img.example.com/" + "x" * 2000] * 7
    assert fault(body(card("post", "ref", "title", images=images))) == ("too_large", "body.card")


NO_ADDRESSES = [
    "http://example.com/", "HTTPS://example.com/", "https:example.com", "https:/example.com", "https://", "https:///a",
    "javascript:alert(1)", "data:text/html,x", "//example.com/a", "ftp://example.com/", "media:AAAAAAAAAAAAAAAAAAAAAA",
    "https://ann@example.com/", "https://example.com:80@evil.example/", "https://example.com\\@evil.example/",
    "https://example.com/a b", "https://exam ple.com/", "https://example.com/\n", "https://example.com/\0",
    "https://example.com/\u202egpj.exe", "https://exam\u200bple.com/", "https://example.com/\u2028",
]  # fmt: skip


@pytest.mark.parametrize("url", NO_ADDRESSES)
def test_an_address_is_one_of_https_that_looks_like_where_it_leads(url):
    assert fault(body(card("link", "title", url=url))) == ("bad_request", "body.card.url")
    assert fault(body(card("recipe", url=url))) == ("bad_request", "body.card.url")


@pytest.mark.parametrize(
    "url",
    [
        "https://zh.wikipedia.org/wiki/地图",
        "https://例子.例/",
        "https://example.com:8443",
        "https://e.c?q=a@b",
    ],
)
def test_an_address_may_be_of_any_script(url):
    assert fault(body(card("link", "title", url=url))) is None


OTHER_PICTURES = [
    "https://evil.example/1.jpg", "https://img.example.com.evil.example/", "https://img.example.com:8443/",
    "https://img.example.com./", "https://a.img.example.com/", "http://img.example.com/",
    "https://img.example.com@evil/",
    "https://evil.example\\.img.example.com/", "https://evil.example#.img.example.com", "1.jpg",
    "img.example.com/1.jpg",
    "data:image/png;base64,AAAA",
]  # fmt: skip


@pytest.mark.parametrize("url", OTHER_PICTURES)
def test_to_show_a_card_contacts_no_other_host(url):
    assert fault(body(card("place", "lat", "lon", image=url))) == ("bad_request", "body.card.image")
    images = card("album", "ref", "title", images=[PICTURE, url])
    assert fault(body(images)) == ("bad_request", "body.card.images[1]")
    assert fault(body(card("recipe", image=url))) == ("bad_request", "body.card.image")


def test_without_hosts_pictures_are_files_of_this_server():
    with_file = card("contact", "user", image="media:AAAAAAAAAAAAAAAAAAAAAA")
    assert fault(body(with_file), Rules()) is None
    assert fault(body(card("contact", "user", "image")), Rules()) == ("bad_request", "body.card.image")
    assert fault(body(card("contact", "user", image="https://IMG.example.com/")), RULES) is None


@given(st.text())
def test_a_host_has_nothing_that_another_reader_would_end_it_at(text):
    host = host_of(f"https://{text}")
    assert not set(host) & set("/?#\\@ \t\n")
    assert host == host.lower()


def test_a_place_is_on_the_globe():
    assert fault(body(card("place", "lon", lat=900_000_000))) is None
    assert fault(body(card("place", "lon", lat=-900_000_001))) == ("bad_request", "body.card.lat")


def span(at, length, user="bob"):
    return {"at": at, "length": length, "user": user}


SPANS = [
    ([span(0, 4)], None), ([span(0, 4), span(6, 4, "*")], None), ([span(6, 4, "*")], None),
    ([span(0, 4), span(4, 6)], None),
    ([span(7, 4)], "body.spans[0]"), ([span(10, 1)], "body.spans[0]"), ([span(6, 4), span(0, 4)], "body.spans[1]"),
    ([span(0, 4), span(3, 2)], "body.spans[1]"), ([span(0, 4, "cat")], "body.spans[0].user"),
]  # fmt: skip


@pytest.mark.parametrize(("spans", "field"), SPANS)
def test_spans_are_the_places_of_mentions_in_order(spans, field):
    found = fault(body(text="@Bob, @all", mentions=["bob", "*"], spans=spans))
    assert found == (field and ("bad_request", field))


def test_spans_count_characters_as_code_points():
    family = "\U0001f468\u200d\U0001f469"
    assert fault(body(text=f"{family}@b", mentions=["bob"], spans=[span(3, 2)])) is None
    assert fault(body(text=f"{family}@b", mentions=["bob"], spans=[span(4, 2)])) == (
        "bad_request",
        "body.spans[0]",
    )
    assert fault(body(text=None, card=card("link", "url", "title"), spans=[span(0, 1)], mentions=["bob"]))


@pytest.mark.parametrize("origin", [{}, {"user": "ann", "time": 1}, {"room": "g4fKz81QwXe2", "seq": 1}])
def test_nobody_says_that_a_message_is_forwarded(origin):
    assert fault(body(forwarded=origin)) == ("bad_request", "body.forwarded")


def test_a_card_is_content_and_counts_as_bytes_of_its_body():
    link = body(card("link", "url", "title"), text=None)
    assert fault(link) is None
    assert fault(link, replace(RULES, body_bytes=len(encode(link)))) is None
    assert fault(link, replace(RULES, body_bytes=len(encode(link)) - 1)) == ("too_large", "body")
    assert fault(body(text=None, spans=[])) == ("bad_request", "body")


def test_a_card_is_stored_and_read_as_it_was_sent():
    room = group(ann="owner", bob="member")
    writer = MemoryWriter(room)
    place = convert(card("place", "lat", "lon", "title"), Card)
    reply = writer.ask(
        "ann", Send(room=room.name, key="key-of-a", body=Body(text="[Place] Title", card=place))
    )
    assert writer.events(room)[-1].body.card == place
    assert reply.seq


def test_screening_reads_a_card_and_refuses_rather_than_mask_an_address():
    sent = Send(room="g4fKz81QwXe2", key="key-of-a", body=body(card("link", "url", "title", "text")))
    assert texts_of(sent) == ["hello", "Title", "Text", VALUES["url"]]
    assert [*unmasked_texts(sent)] == [VALUES["url"]]
    changed = with_texts(sent, lambda text: text if text.startswith("https:") else "*")
    assert changed.body.card == convert(card("link", "url", title="*", text="*"), Card)
