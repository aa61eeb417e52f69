-- The directory of groups and channels: under which names a room that is listed is found (core/discovery.py).
CREATE TABLE listed (
    name TEXT NOT NULL,    -- the rest of the title from a word on, folded, or # and a tag
    room INTEGER NOT NULL,
    PRIMARY KEY (name, room)
) STRICT, WITHOUT ROWID;
CREATE INDEX listed_room ON listed (room, name);
