-- The rooms that an import found or made, by the names that they have where it comes from: a second one adds to them.
CREATE TABLE imported_rooms (
    name TEXT PRIMARY KEY,
    room INTEGER NOT NULL REFERENCES rooms (number)
) STRICT, WITHOUT ROWID;
