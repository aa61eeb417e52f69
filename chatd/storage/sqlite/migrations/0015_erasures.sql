-- People who were erased. The list is kept for ever: what a restore brings back is erased again.
CREATE TABLE erasures (
    user     TEXT PRIMARY KEY,
    asked    INTEGER NOT NULL,
    messages TEXT NOT NULL,    -- 'recall' or 'keep'
    reports  TEXT NOT NULL,    -- 'drop' or 'keep'
    done     INTEGER NOT NULL, -- 0: under way
    due      INTEGER NOT NULL, -- when there is something to do next: the erasure itself, or a check; 0: nothing
    checked  INTEGER NOT NULL, -- the last check, 0: none
    found    INTEGER NOT NULL, -- by that check: what was left
    reopened INTEGER NOT NULL, -- when the host opened the id again, 0: not
    receipt  BLOB NOT NULL     -- MessagePack
) STRICT, WITHOUT ROWID;
CREATE INDEX erasures_asked ON erasures (asked, user);
CREATE INDEX erasures_due ON erasures (due) WHERE due > 0;

-- Copies of what is kept of a person, for the host; files in exports/.
CREATE TABLE exports (
    user  TEXT PRIMARY KEY,
    asked INTEGER NOT NULL,
    done  INTEGER NOT NULL, -- 0: being written
    file  TEXT NOT NULL,    -- its name, "" while there is none
    bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Deleted rooms whose log is still stored.
CREATE TABLE deleted_rooms (
    room       INTEGER PRIMARY KEY REFERENCES rooms (number),
    deleted_at INTEGER NOT NULL
) STRICT;
CREATE INDEX deleted_rooms_at ON deleted_rooms (deleted_at);
-- Of those deleted before, only now is known.
INSERT INTO deleted_rooms SELECT number, unixepoch() * 1000 FROM rooms WHERE deleted_by IS NOT NULL;

-- What an erasure looks for.
CREATE INDEX reactions_of_user ON reactions (user, room, seq);
CREATE INDEX contacts_remarked ON contacts (user) WHERE remark <> '';
