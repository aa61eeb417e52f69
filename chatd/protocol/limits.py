"""Sizes that a client may rely on (protocol.md "Size limits"). The reply to hello has those that differ."""

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

# Members up to which a mention of everybody counts; clients count by it, too.
FULL_DELIVERY_MEMBERS = 500

# Texts to somebody who has not accepted yet; clients show how many are left.
REQUEST_TEXTS = 3

# The thresholds that hello names when they differ: what a room loses as it grows, and the windows of authors.
THRESHOLDS = {
    "full_delivery_members": FULL_DELIVERY_MEMBERS,
    "large_room_members": 1_000,
    "receipts_members": 100,
    "delivered_members": 32,
    "typing_members": 200,
    "group_members": 10_000,
    "edit_window_s": 86_400,
    "recall_window_s": 86_400,
    "retain_s": 0,
    "request_texts": REQUEST_TEXTS,
}

# The highest revision of version 1 that this server speaks.
REVISION = 1
# The feature words of this server, besides those of account rows, and those of them that mean nothing in JSON.
FEATURES = ("deflate",)
BINARY_FEATURES = {"deflate"}

# Values and keys of one `data`: 16 KiB of numbers, and a millisecond to check.
HOST_DATA_NODES = 4096
# Nesting of one packet: deeper host data would exhaust the stack of a phone's decoder.
DEPTH_MAX = 16
# The highest that an operator may set, as the decoder has to know it.
FOCUS_MAX, WATCH_MAX = 64, 5000
# Events of each changed room in the reply to hello, and bytes of all of them: two TCP windows on a warm connection.
EVENTS_INLINE_MAX = 50
EVENTS_INLINE_BYTES = 49_152
# Messages of a page of history.
HISTORY_MAX = 100
HISTORY_DEFAULT = 50
# Users in one members.add, members.remove, room.create.
MEMBERS_CHANGED_MAX = 100
# Summaries in the first page of a hello: one initial TCP window.
SUMMARIES_FIRST = 30
# The longest emoji that Unicode recommends has 35.
EMOJI_BYTES_MAX = 64
# Different reactions of one message, which is sent with all of them.
REACTIONS_MAX = 64
# Bytes of JSON that one byte of MessagePack may become: an empty `bin` of two bytes takes fourteen.
JSON_GROWTH = 8
# Of one user: more than anybody has. Beyond it the device seen longest ago is not listed.
DEVICES_LISTED_MAX = 50
# Numbers in one `messages` request.
MESSAGES_MAX = 100
# Circles of one user: a bit each in one integer, and more than anybody keeps in order.
CIRCLES_MAX = 50
# Lines of a card, and colours of its theme: what a screen shows.
CARD_FIELDS_MAX = 16
THEME_COLORS_MAX = 4
# Characters of the texts of a card, as they come and in normal form C, which may be longer: a name; a badge, and the
# names of a theme and of a line; a line; some lines.
NAME_MAX, LABEL_MAX, LINE_MAX, BIO_MAX = 64, 32, 256, 500
# A page of a card as MessagePack: it goes to whoever looks, twenty in one reply.
PAGE_BYTES_MAX = 4096
PAGES_MAX = 20
# Rows of buttons under a message, and buttons of a row: what a phone shows without scrolling.
BUTTON_ROWS_MAX, BUTTONS_IN_ROW_MAX = 5, 3
# Commands of a bot: more than anybody reads.
COMMANDS_MAX = 100
# Decisions of push in one answer: a screen or two.
DECISIONS_MAX = 50
# Groups of both users that are shown on a card.
COMMON_MAX = 20
# The description of a file in words, for those who cannot see or hear it.
ALT_MAX = 1000
# Bytes of a picture as it is uploaded: the largest phone camera.
PICTURE_BYTES_MAX = 30 << 20
# Places in one file.link: more pictures than a screen shows.
LINKS_MAX = 50
FILES_PAGE_MAX, FILES_PAGE_DEFAULT = 200, 50
# Numbers of voice messages that are kept as heard, the newest, of one member.
PLAYED_MAX = 64
# Seconds between two messages of a member in slow mode: a quarter of a day.
SLOW_MAX_S = 21_600
# Seconds for which messages are kept at least where a room says: a job deletes them, some minutes late.
RETAIN_MIN_S = 3600
# Characters of the description of a group, of a tag, of a request to join, of the name of an invite.
ABOUT_MAX, TAG_MAX, JOIN_TEXT_MAX, INVITE_LABEL_MAX = 512, 24, 200, 64
TAGS_MAX = 5
# Days ahead for which an invite may work.
INVITE_DAYS_MAX = 365
# Events that newcomers see where the history of a group is "recent".
RECENT_EVENTS = 200
# Ranges of messages that one member took out of their own view of a room; more is a `clear`.
DELETED_RANGES_MAX = 64
# Posts in one `comments`: a screen or two. More comments on one post are not counted.
COMMENTED_MAX, COMMENTS_COUNTED_MAX = 50, 1_000
# Rooms in one `reads`.
READS_MAX = 200
# Characters of a search.
QUERY_MAX = 64
# A card as MessagePack, one of a type that is not known here, and messages in one forward.
CARD_BYTES_MAX, UNKNOWN_CARD_BYTES_MAX, FORWARD_MAX = 12_288, 4096, 100
# Mentions of users with a place in the text.
SPANS_MAX = 50
# Folders of one user, and characters of the name of one; the first is the archive.
FOLDERS_MAX, FOLDER_NAME_MAX = 20, 32
# A draft as MessagePack; drafts and scheduled messages of one user; days ahead.
DRAFT_BYTES_MAX, DRAFTS_MAX, SCHEDULED_MAX, SCHEDULED_DAYS = 2048, 50, 100, 365
