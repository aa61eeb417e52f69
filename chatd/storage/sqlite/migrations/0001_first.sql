-- What a daemon knows. Positions are room number << 32 | seq; times are Unix milliseconds; stamps are commit numbers.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value ANY NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE rooms (
    number        INTEGER PRIMARY KEY,
    name          TEXT NOT NULL UNIQUE,
    kind          TEXT NOT NULL,
    creator       TEXT NOT NULL,
    created_at    INTEGER NOT NULL,
    client_key    TEXT,
    client_digest INTEGER,
    seq           INTEGER NOT NULL,
    ordinal       INTEGER NOT NULL,
    time          INTEGER NOT NULL,
    log_floor     INTEGER NOT NULL,
    last_message  INTEGER NOT NULL,   -- seq of the newest message: the preview without a search
    members       INTEGER NOT NULL,
    title         TEXT NOT NULL,
    avatar        TEXT NOT NULL,
    public        INTEGER NOT NULL,
    data          BLOB NOT NULL,
    deleted_by    TEXT,
    uncounted     INTEGER NOT NULL,   -- from this seq on own_unread of the members counts nothing yet; 0: it is whole
    stamp         INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX rooms_key ON rooms (creator, client_key) WHERE client_key IS NOT NULL;

-- Clustered by room: a hundred members who read a message are a few pages for the one writer, not a hundred, and
-- loading a room is one run. A sync pays with one more probe a room, in a reader. Who left stays as `gone`.
CREATE TABLE members (
    user          TEXT NOT NULL,
    room          INTEGER NOT NULL REFERENCES rooms (number),
    role          TEXT NOT NULL,
    joined_at     INTEGER NOT NULL,
    first_visible INTEGER NOT NULL,
    read          INTEGER NOT NULL,
    read_ordinal  INTEGER NOT NULL,
    own_unread    INTEGER NOT NULL,
    mentions      INTEGER NOT NULL,
    delivered     INTEGER NOT NULL,
    muted_until   INTEGER NOT NULL,
    pinned        INTEGER NOT NULL,
    hidden        INTEGER NOT NULL,
    gone          TEXT,
    stamp         INTEGER NOT NULL,
    PRIMARY KEY (room, user)
) STRICT, WITHOUT ROWID;

CREATE INDEX members_of_user ON members (user, room);

-- The logs, clustered by room. `blob` is last, so that looking at the other columns never reads a long message.
CREATE TABLE events (
    position   INTEGER PRIMARY KEY,
    kind       TEXT NOT NULL,
    user       TEXT,
    time       INTEGER NOT NULL,
    ordinal    INTEGER,
    client_key TEXT,
    digest     INTEGER,
    target     INTEGER,               -- of edits only: they are emptied when their message is recalled
    changed    INTEGER,
    stamp      INTEGER NOT NULL,      -- commit number: what came since a cursor
    mentions   TEXT,                  -- whom a countable message counted for: '*', or names between separators
    blob       BLOB NOT NULL
) STRICT;

CREATE UNIQUE INDEX events_key ON events (position >> 32, user, client_key) WHERE client_key IS NOT NULL;
CREATE INDEX events_changed ON events (position >> 32, changed) WHERE changed IS NOT NULL;
CREATE INDEX events_edits ON events (position >> 32, target) WHERE target IS NOT NULL;

-- Keys of requests that logged nothing, as in large rooms: repeated, they get their first answer.
CREATE TABLE unlogged (
    room       INTEGER NOT NULL REFERENCES rooms (number),
    user       TEXT NOT NULL,
    client_key TEXT NOT NULL,
    digest     INTEGER NOT NULL,
    time       INTEGER NOT NULL,
    PRIMARY KEY (room, user, client_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX unlogged_time ON unlogged (time);

-- The two users of a direct room, the lower one first.
CREATE TABLE direct (
    room INTEGER PRIMARY KEY REFERENCES rooms (number),
    a    TEXT NOT NULL,
    b    TEXT NOT NULL,
    UNIQUE (a, b)
) STRICT;

CREATE TABLE reactions (
    room  INTEGER NOT NULL,
    seq   INTEGER NOT NULL,
    user  TEXT NOT NULL,
    emoji TEXT NOT NULL,
    PRIMARY KEY (room, seq, user, emoji)
) STRICT, WITHOUT ROWID;

CREATE TABLE users (
    user           TEXT PRIMARY KEY,
    name           TEXT NOT NULL,
    avatar         TEXT NOT NULL,
    version        INTEGER NOT NULL,
    receipts       INTEGER NOT NULL,
    disabled       INTEGER NOT NULL,
    generation     INTEGER NOT NULL,
    revoked_before INTEGER NOT NULL,
    password       TEXT,
    created_at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE devices (
    user           TEXT NOT NULL,
    device         TEXT NOT NULL,
    app            TEXT NOT NULL,
    os             TEXT NOT NULL,
    last_seen      INTEGER NOT NULL,
    revoked_before INTEGER NOT NULL,
    removed        INTEGER NOT NULL,
    PRIMARY KEY (user, device)
) STRICT, WITHOUT ROWID;
