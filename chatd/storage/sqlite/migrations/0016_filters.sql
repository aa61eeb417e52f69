-- Lists of words and patterns that texts are screened by.
CREATE TABLE filters (
    name     TEXT PRIMARY KEY,
    does     TEXT NOT NULL, -- reject, mask or flag
    reason   TEXT NOT NULL, -- the word that a rejection gives the app
    words    BLOB NOT NULL, -- MessagePack: an array of texts
    patterns BLOB NOT NULL  -- the same
) STRICT, WITHOUT ROWID;
