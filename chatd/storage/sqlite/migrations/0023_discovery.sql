-- The directory of groups and channels: under which names a room that is listed is found (core/discovery.py).
CREATE TABLE listed (
    name TEXT NOT NULL,    -- the rest of the title from a word on, folded, or # and a tag
    room INTEGER NOT NULL,
    PRIMARY KEY (name, room)
) STRICT, WITHOUT ROWID;
CREATE INDEX listed_room ON listed (room, name);
-- 1 for the rooms that stand in it.
ALTER TABLE rooms ADD COLUMN listed INTEGER NOT NULL DEFAULT 0;
CREATE INDEX rooms_listed ON rooms (members DESC, name) WHERE listed = 1;
