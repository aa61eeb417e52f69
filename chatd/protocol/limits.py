"""Sizes a client may rely on (protocol.md "Size limits"). A hello reply carries those that differ."""

DEFAULTS: dict[str, int] = {
    "frame_bytes": 65_536,
    "server_frame_bytes": 262_144,
    "body_bytes": 16_384,
    "batch": 64,
    "in_flight": 32,
    "focus": 8,
    "watch": 200,
    "page": 200,
}

FULL_DELIVERY_MEMBERS = 500  # members up to which a mention of everybody counts: a client counts, too

REVISION = 1  # the highest revision of version 1 this server speaks
# Feature words this server understands; the sections of account rows have their own.
FEATURES = ("deflate",)
BINARY_FEATURES = {"deflate"}  # and those of them that mean nothing where packets are JSON
HOST_DATA_NODES = 4096  # values and keys of one `data`: 16 KiB of numbers, and a millisecond to look at
FOCUS_MAX, WATCH_MAX = 64, 5000  # the highest an operator may set: what a decoder needs to know
DEPTH_MAX = 16  # nesting of one packet; deeper host data would exhaust the stack of a phone's decoder
EVENTS_INLINE_MAX = 50  # events per changed room in a hello reply
EVENTS_INLINE_BYTES = 49_152  # and all of them together: two TCP windows on a warm connection
HISTORY_MAX = 100  # messages per history page
HISTORY_DEFAULT = 50
MEMBERS_CHANGED_MAX = 100  # users in one members.add, members.remove, room.create
SUMMARIES_FIRST = 30  # summaries in the first page of a hello: one TCP initial window
EMOJI_BYTES_MAX = 64  # of one reaction; the longest that Unicode recommends has 35
REACTIONS_MAX = 64  # different reactions of one message: it travels with all of them
JSON_GROWTH = 8  # bytes of JSON that one of MessagePack may become: an empty `bin`, two bytes, takes fourteen
DEVICES_LISTED_MAX = 50  # of one user, beyond which the one seen longest ago goes: nobody has as many
MESSAGES_MAX = 100  # numbers in one `messages` request
