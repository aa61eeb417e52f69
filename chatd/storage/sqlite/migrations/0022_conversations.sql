-- Of a room, what few have and nothing filters or sums by: a MessagePack map (core/policy.py, RoomDetails), empty for
-- most. `retain_s`: seconds for which messages are kept, 0 as long as the server keeps them. Messages up to `purged`
-- are gone, the last countable of which had `purged_ordinal`.
ALTER TABLE rooms ADD COLUMN details BLOB NOT NULL DEFAULT x'';
ALTER TABLE rooms ADD COLUMN retain_s INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rooms ADD COLUMN purged INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rooms ADD COLUMN purged_ordinal INTEGER NOT NULL DEFAULT 0;
CREATE INDEX rooms_retained ON rooms (number) WHERE retain_s > 0;

-- A hidden room returns with its next countable message: `hidden` is the ordinal of the room when it was hidden, plus
-- one; 0: it is not. `folder`: 0 none, 1 the archive, others as their user names them.
ALTER TABLE members ADD COLUMN folder INTEGER NOT NULL DEFAULT 0;
ALTER TABLE members ADD COLUMN unread_mark INTEGER NOT NULL DEFAULT 0;
UPDATE members SET hidden = 1 + (SELECT ordinal FROM rooms WHERE number = members.room) WHERE hidden;
CREATE INDEX members_banned ON members (room, user) WHERE gone = 'banned';
-- Deleted channels that somebody still follows: the rows of followers are marked some in a commit.
CREATE INDEX rooms_left ON rooms (number) WHERE deleted_by IS NOT NULL AND kind = 'channel' AND members > 0;
CREATE INDEX members_staff ON members (room, user) WHERE role <> 'member' AND gone IS NULL;

-- Account rows of the sections besides `account` and `contacts`: joins, drafts, scheduled.
CREATE TABLE section_rows (
    number  INTEGER PRIMARY KEY, -- breaks ties of `stamp` in a round of sync
    user    TEXT NOT NULL,
    section TEXT NOT NULL,
    name    TEXT NOT NULL,
    body    BLOB, -- MessagePack; NULL: a tombstone
    stamp   INTEGER NOT NULL,
    UNIQUE (user, section, name)
) STRICT;
CREATE INDEX section_rows_news ON section_rows (user, section, stamp);
CREATE INDEX section_rows_tombstones ON section_rows (stamp) WHERE body IS NULL;

-- Who asked to join a room, was asked by a member, or was declined not long ago.
CREATE TABLE joins (
    room   INTEGER NOT NULL,
    user   TEXT NOT NULL,
    kind   TEXT NOT NULL,    -- asked, offered, declined
    by     TEXT NOT NULL,    -- whoever offers, or whose invite was used; empty: nobody
    text   TEXT NOT NULL,
    time   INTEGER NOT NULL, -- Unix ms, of the request or the refusal
    PRIMARY KEY (room, user)
) STRICT, WITHOUT ROWID;
CREATE INDEX joins_user ON joins (user);
CREATE INDEX joins_time ON joins (time);
CREATE INDEX joins_declined ON joins (time) WHERE kind = 'declined';
CREATE INDEX joins_by ON joins (by) WHERE by <> '';

CREATE TABLE invites (
    invite     TEXT PRIMARY KEY,
    room       INTEGER NOT NULL,
    user       TEXT NOT NULL,    -- its maker; empty: the host app
    client_key TEXT,
    created_at INTEGER NOT NULL, -- Unix ms, as expires_at
    expires_at INTEGER NOT NULL,
    uses       INTEGER NOT NULL,
    uses_max   INTEGER NOT NULL, -- 0: no bound
    approve    INTEGER NOT NULL,
    label      TEXT NOT NULL,
    revoked    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX invites_room ON invites (room) WHERE revoked = 0;
CREATE INDEX invites_user ON invites (user);
CREATE UNIQUE INDEX invites_key ON invites (user, client_key) WHERE client_key IS NOT NULL;
CREATE INDEX invites_expires ON invites (expires_at);

-- When the daemon looks at a row of the section scheduled, which has the message: to send it, or, long after it could
-- not be sent, to forget it.
CREATE TABLE scheduled (
    user TEXT NOT NULL,
    key  TEXT NOT NULL,
    at   INTEGER NOT NULL, -- Unix ms
    PRIMARY KEY (user, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX scheduled_at ON scheduled (at);
