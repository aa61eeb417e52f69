-- State of a user that belongs to no room, whole rows by name; every device of theirs keeps them.
CREATE TABLE account_rows (
    number INTEGER PRIMARY KEY, -- breaks ties of `stamp` in a round of sync
    user   TEXT NOT NULL,
    name   TEXT NOT NULL,
    body   BLOB, -- MessagePack; NULL: a tombstone
    stamp  INTEGER NOT NULL,
    UNIQUE (user, name)
) STRICT;
CREATE INDEX account_rows_news ON account_rows (user, stamp);
CREATE INDEX account_rows_tombstones ON account_rows (stamp) WHERE body IS NULL;

-- The highest stamp of a user's rows in all sections: a hello that is not below it walks none.
CREATE TABLE account_state (
    user  TEXT PRIMARY KEY,
    stamp INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Which commit was the first one noted on a day (Unix days): so old tombstones are known by their stamps.
CREATE TABLE days (
    day   INTEGER PRIMARY KEY,
    stamp INTEGER NOT NULL
) STRICT;

-- Tombstones at or below this stamp may be forgotten: a cursor from before it is answered by a full round.
INSERT INTO meta VALUES ('floor', 0);

-- What was chosen before: {"receipts": ..., "presence": ...}; who has no row shows both.
INSERT INTO account_rows (user, name, body, stamp)
SELECT user, 'preferences',
    CASE
        WHEN receipts THEN x'82a87265636569707473c3a870726573656e6365c2'
        WHEN presence THEN x'82a87265636569707473c2a870726573656e6365c3'
        ELSE x'82a87265636569707473c2a870726573656e6365c2'
    END,
    (SELECT value FROM meta WHERE key = 'stamp')
FROM users WHERE NOT receipts OR NOT presence;
INSERT INTO account_state SELECT user, stamp FROM account_rows;
