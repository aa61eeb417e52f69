-- What keeps a user from using the chat for a while: 'ban', 'mute', 'limit' or ''; until then (Unix ms; 1: for ever), and
-- a word of the moderators. Only `disabled` is for good.
ALTER TABLE users ADD COLUMN restriction TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN restricted_until INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN restricted_reason TEXT NOT NULL DEFAULT '';
CREATE INDEX users_restricted ON users (user) WHERE restriction <> '';

-- Whom or what reports are about: a user, or a room where no user is named. `reporters`: how many have one that is not
-- closed, by which the queue of the moderators is sorted.
CREATE TABLE report_subjects (
    number    INTEGER PRIMARY KEY,
    user      TEXT NOT NULL, -- '' for a room
    room      TEXT NOT NULL, -- '' for a user
    reporters INTEGER NOT NULL,
    UNIQUE (user, room)
) STRICT;
CREATE INDEX report_queue ON report_subjects (reporters DESC, number) WHERE reporters > 0;

CREATE TABLE reports (
    number     INTEGER PRIMARY KEY,
    subject    INTEGER NOT NULL REFERENCES report_subjects (number),
    state      TEXT NOT NULL, -- open, claimed or closed
    reporter   TEXT NOT NULL, -- '' for a filter of the server, whose name is the `text`
    client_key TEXT NOT NULL,
    reason     TEXT NOT NULL,
    text       TEXT NOT NULL, -- of the reporter
    user       TEXT NOT NULL, -- the author of the message, or who was reported; '' for a room
    room       TEXT NOT NULL,
    seq        INTEGER NOT NULL, -- of the message, else 0
    time       INTEGER NOT NULL,
    changed_at INTEGER NOT NULL, -- from which the time counts that it is kept
    claimed_by TEXT NOT NULL, -- an id of api_keys, or 'socket'
    note       TEXT NOT NULL, -- of the moderators
    actions    BLOB NOT NULL, -- MessagePack: what was done about it
    evidence   BLOB NOT NULL  -- MessagePack: the message and its neighbours as they were
) STRICT;
CREATE UNIQUE INDEX reports_key ON reports (reporter, client_key);
CREATE INDEX reports_of_subject ON reports (subject, state, number);
CREATE INDEX reports_reporters ON reports (subject, reporter) WHERE state <> 'closed';
CREATE INDEX reports_open ON reports (reporter, room, seq, user) WHERE state <> 'closed';
CREATE INDEX reports_closed ON reports (number) WHERE state = 'closed';
CREATE INDEX reports_changed ON reports (changed_at);
