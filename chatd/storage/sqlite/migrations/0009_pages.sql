-- The parts of a card that few users have; who has none of them has no row. Name, avatar and version are in `users`.
CREATE TABLE pages (
    user     TEXT PRIMARY KEY,
    handle   TEXT UNIQUE, -- small letters
    verified TEXT NOT NULL, -- a badge of the host, empty for none
    page     BLOB NOT NULL, -- MessagePack, empty for none
    stamp    INTEGER NOT NULL -- of the last change of the card, also of what `users` has of it
) STRICT, WITHOUT ROWID;
