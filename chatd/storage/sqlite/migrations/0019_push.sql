-- The places of devices at push services, one for each purpose.
CREATE TABLE push_tokens (
    user          TEXT NOT NULL,
    device        TEXT NOT NULL,
    purpose       TEXT NOT NULL,
    platform      TEXT NOT NULL,
    app           TEXT NOT NULL,
    environment   TEXT NOT NULL,
    token         TEXT NOT NULL,
    p256dh        BLOB NOT NULL,    -- empty: what is sent to it is not sealed
    auth          BLOB NOT NULL,
    digest        BLOB NOT NULL,    -- of platform, app and token: each of these has one owner
    registered_at INTEGER NOT NULL, -- Unix ms
    epoch         TEXT NOT NULL,    -- of the history at that time: after a restore the token may belong to somebody else
    PRIMARY KEY (user, device, purpose)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX push_tokens_digest ON push_tokens (digest);

-- What a member wants to be told of a room: all, mentions, none, or as the account says (empty).
ALTER TABLE members ADD COLUMN notify TEXT NOT NULL DEFAULT '';
-- In a large room, those who are told of every message all the same.
CREATE INDEX members_notify_all ON members (room, user) WHERE notify = 'all';

-- What users are to be told of and no log of a room has, until the cursor of push has passed its commit.
CREATE TABLE push_alerts (
    number INTEGER PRIMARY KEY,
    stamp  INTEGER NOT NULL,
    user   TEXT NOT NULL,
    kind   TEXT NOT NULL,
    author TEXT NOT NULL,
    time   INTEGER NOT NULL -- Unix ms
) STRICT;
CREATE INDEX push_alerts_stamp ON push_alerts (stamp);
CREATE INDEX push_alerts_user ON push_alerts (user);
CREATE INDEX push_alerts_author ON push_alerts (author);
