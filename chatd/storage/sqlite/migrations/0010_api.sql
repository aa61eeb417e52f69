-- The keys of the host's API.
CREATE TABLE api_keys (
    id            TEXT PRIMARY KEY,
    name          TEXT NOT NULL UNIQUE,
    scopes        TEXT NOT NULL, -- words, with a space between them
    digest        BLOB NOT NULL, -- SHA-256 of the secret
    created_at    INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL, -- 0: never
    earlier       BLOB NOT NULL, -- SHA-256 of the secret before
    earlier_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Who changed what through that API, and who read what is private; stored in the commit of the change.
CREATE TABLE audit (
    number  INTEGER PRIMARY KEY,
    time    INTEGER NOT NULL,
    key     TEXT NOT NULL, -- an id of api_keys, or 'socket'
    action  TEXT NOT NULL, -- the route
    target  TEXT NOT NULL, -- a user, room or key
    request TEXT NOT NULL  -- the id of the HTTP request
) STRICT;
CREATE INDEX audit_target ON audit (target, number);
