-- The changes of each commit as entries for the host app, stored in that commit; nothing while the feed is off.
CREATE TABLE event_feed (
    stamp   INTEGER PRIMARY KEY,
    time    INTEGER NOT NULL,
    count   INTEGER NOT NULL, -- of entries since the feed began, with those of this commit
    bytes   INTEGER NOT NULL, -- of entries, likewise
    entries BLOB NOT NULL     -- MessagePack, see core/event_feed.py
) STRICT;

-- The receivers of the feed that the daemon sends it to, each with its position.
CREATE TABLE consumers (
    name   TEXT PRIMARY KEY,
    cursor TEXT NOT NULL, -- everything up to it was delivered
    state  BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Entries that a receiver refused while it took others.
CREATE TABLE parked (
    number   INTEGER PRIMARY KEY,
    consumer TEXT NOT NULL,
    entry    TEXT NOT NULL, -- the cursor that leads up to it
    time     INTEGER NOT NULL,
    status   INTEGER NOT NULL, -- of the last answer, 0 for none
    UNIQUE (consumer, entry)
) STRICT;
