"""The forms of values in the packets of a client: types and bounds, as the tables of protocol.md say; pure."""

import re
from collections.abc import Callable, Mapping
from typing import Any

U53_MAX = 2**53 - 1
DEPTH_MAX = 16

Check = Callable[[Any], str]
"""A check of one value: says what is wrong with it, empty when nothing is."""


def text(most: int, least: int = 0, pattern: str = "") -> Check:
    form = re.compile(pattern) if pattern else None

    def check(value: Any) -> str:
        if not isinstance(value, str):
            return "should be text"
        if not least <= len(value) <= most:
            return f"should have {least} to {most} characters, and has {len(value)}"
        return "" if form is None or form.fullmatch(value) else "is not of its form"

    return check


def number(least: int = 0, most: int = U53_MAX) -> Check:
    def check(value: Any) -> str:
        if not isinstance(value, int) or isinstance(value, bool):
            return "should be an integer"
        return "" if least <= value <= most else f"should be {least} to {most}, and is {value}"

    return check


def one_of(*words: str) -> Check:
    return lambda value: "" if value in words else f"should be one of {', '.join(words)}"


def array(item: Check, most: int = U53_MAX, least: int = 0) -> Check:
    def check(value: Any) -> str:
        if not isinstance(value, list):
            return "should be an array"
        if not least <= len(value) <= most:
            return f"should have {least} to {most} items, and has {len(value)}"
        return next((f"[{i}] {why}" for i, one in enumerate(value) if (why := item(one))), "")

    return check


def mapping(**keys: Check) -> Check:
    """A map; a key that ends with `_` may be absent."""

    def check(value: Any) -> str:
        if not isinstance(value, dict):
            return "should be a map"
        return wrong_keys(value, keys)

    return check


def wrong_keys(value: Mapping[str, Any], keys: Mapping[str, Check]) -> str:
    for key, one in keys.items():
        name = key.rstrip("_")
        if name in value:
            if why := one(value[name]):
                return f".{name} {why}"
        elif not key.endswith("_"):
            return f".{name} is missing"
    return ""


def flag(value: Any) -> str:
    return "" if isinstance(value, bool) else "should be true or false"


def anything(_: Any) -> str:
    return ""


def emoji(value: Any) -> str:
    if why := text(64, 1)(value):
        return why
    size = len(value.encode(errors="surrogatepass"))
    return "" if size <= 64 else f"should have 1 to 64 bytes, and has {size}"


def body(value: Any) -> str:
    why = mapping(
        text_=text(U53_MAX),
        attachments_=array(ATTACHMENT, 10),
        reply_to_=U53,
        thread_=U53,
        mentions_=array(text(64, 1), 50),
        buttons_=array(array(BUTTON, 3), 5),
        card_=CARD,
        spans_=array(SPAN, 50),
    )(value)
    if why or any(value.get(key) not in (None, "", []) for key in ("text", "attachments", "card", "data")):
        return why
    return "should have a text, attachments, a card or data"


U53 = number()
SEQ = number(1)
FLAG: Check = flag
USER = text(64, 1, r"[A-Za-z0-9_\-.:@+|]+")
ROOM = text(12, 12, r"[cdg][A-Za-z0-9]{11}")
DEVICE = text(22, 22, r"[A-Za-z0-9_-]{22}")
KEY = text(36, 8, r"[A-Za-z0-9_-]{8,36}")
TOKEN = text(4096, 1)
OPAQUE = text(64, 1)
WORD = text(64)
URL = text(2048, 1)
ATTACHMENT = mapping(
    url=URL,
    mime=text(128, 1),
    name_=text(256),
    size_=U53,
    width_=U53,
    height_=U53,
    duration_=U53,
    preview_=text(1024),
    alt_=text(1000),
    from_=mapping(room=ROOM, seq=SEQ),
)
BUTTON = mapping(label=text(32, 1), data_=text(64, 1), url_=text(2048, 1))
COORDINATE = number(-1_800_000_000, 1_800_000_000)
CARD = mapping(
    type=text(16, 1, "[a-z][a-z0-9_]*"),
    url_=URL,
    title_=text(256, 1),
    text_=text(1024),
    image_=URL,
    images_=array(URL, 9),
    ref_=text(256, 1),
    user_=USER,
    invite_=text(22, 22),
    lat_=COORDINATE,
    lon_=COORDINATE,
    count_=U53,
    width_=U53,
    height_=U53,
    data_=text(4096),
)
SPAN = mapping(at=U53, length=number(1, 256), user=text(64, 1))
ROLE = one_of("member", "admin", "owner")
POLICY = mapping(
    join_=one_of("closed", "request", "open"),
    history_=one_of("none", "recent", "all"),
    slow_s_=number(0, 21_600),
    retain_s_=U53,
    **dict.fromkeys(("invite_", "post_", "mention_all_", "info_", "pin_"), ROLE),
    **dict.fromkeys(("approve_", "listed_", "no_forward_", "hide_members_"), FLAG),
)
MODE = one_of("foreground", "background")
USERS = array(USER, 100, 1)
CIRCLE = number(1, 50)
CIRCLES = array(CIRCLE, 50)
AUDIENCE = one_of("everyone", "followers", "acquaintances", "friends", "nobody")
CAPABILITIES = ("knock", "write", "add", "call", "presence", "receipts", "page", "find")
RULES = mapping(**{f"{name}_": mapping(to=AUDIENCE, allow_=CIRCLES, deny_=CIRCLES) for name in CAPABILITIES})
THEME = mapping(name_=text(32), colors_=array(text(7, 7, "#[0-9A-Fa-f]{6}"), 4))
FIELDS = array(mapping(name=text(32, 1), value=text(256), to_=AUDIENCE), 16)
LEVEL = one_of("all", "mentions", "none")
TIME = text(5, 5, "([01][0-9]|2[0-3]):[0-5][0-9]")
PUSH = mapping(
    messages_=LEVEL,
    groups_=LEVEL,
    content_=one_of("full", "sender", "none"),
    mute_mentions_=FLAG,
    friends_=FLAG,
    invites_=FLAG,
    joins_=FLAG,
    reactions_=FLAG,
    quiet_=array(mapping(**{"from": TIME, "to": TIME, "days_": array(number(1, 7), 7)}), 7),
    timezone_=text(64),
    quiet_mode_=one_of("silent", "off"),
)
