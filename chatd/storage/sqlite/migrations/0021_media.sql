-- One upload of one owner.
CREATE TABLE files (
    file       TEXT PRIMARY KEY,
    owner      TEXT NOT NULL,    -- empty: of the host app
    client_key TEXT,             -- by which a repeated begin finds the first one
    kind       TEXT NOT NULL,
    purpose    TEXT NOT NULL,
    state      TEXT NOT NULL,    -- uploading, ready, refused, dropped
    reserved   INTEGER NOT NULL, -- bytes that its owner is charged
    length     INTEGER,          -- bytes of the upload; NULL until they are known
    source     BLOB,             -- SHA-256 of what was uploaded
    facts      BLOB NOT NULL,    -- the attachment that it will be; of a refused one the code
    room       INTEGER,          -- of a voice note that is heard while it is spoken
    created_at INTEGER NOT NULL, -- Unix ms, as due_at
    due_at     INTEGER NOT NULL  -- when the collector looks at it; 0: never
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX files_key ON files (owner, client_key) WHERE client_key IS NOT NULL;
CREATE INDEX files_owner ON files (owner, created_at);
CREATE INDEX files_due ON files (due_at) WHERE due_at > 0;
CREATE INDEX files_source ON files (source) WHERE source IS NOT NULL;

-- The versions of a file. A forwarded one shares the objects of the first.
CREATE TABLE renditions (
    file    TEXT NOT NULL,
    variant TEXT NOT NULL,       -- full, m, s
    object  TEXT NOT NULL,
    mime    TEXT NOT NULL,
    PRIMARY KEY (file, variant)
) STRICT, WITHOUT ROWID;
CREATE INDEX renditions_object ON renditions (object);

-- Stored bytes. A name is given once and never again.
CREATE TABLE objects (
    object TEXT PRIMARY KEY,
    digest BLOB NOT NULL,        -- SHA-256
    size   INTEGER NOT NULL,
    refs   INTEGER NOT NULL,     -- renditions; 0: to be deleted from the disk, then forgotten
    free_at INTEGER NOT NULL     -- Unix ms from which on it may be deleted; 0 while refs > 0
) STRICT, WITHOUT ROWID;
CREATE INDEX objects_free ON objects (free_at) WHERE refs = 0;

-- Messages that hold a file. `position`: room and seq, as in events.
CREATE TABLE attached (
    position INTEGER NOT NULL,
    file     TEXT NOT NULL,
    PRIMARY KEY (position, file)
) STRICT, WITHOUT ROWID;
CREATE INDEX attached_file ON attached (file);

-- What else holds one, with rooms by number: avatar:u:USER, cover:u:USER, wallpaper:u:USER:ROOM, avatar:r:ROOM,
-- report:NUMBER, sticker:NAME.
CREATE TABLE held (
    holder TEXT NOT NULL,
    file   TEXT NOT NULL,
    PRIMARY KEY (holder, file)
) STRICT, WITHOUT ROWID;
CREATE INDEX held_file ON held (file);

-- Bytes and files of a user (u:ID) and of a room (r:NUMBER).
CREATE TABLE media_usage (
    account TEXT PRIMARY KEY,
    bytes   INTEGER NOT NULL,
    files   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Bytes that the operator took down: an upload of the same is refused.
CREATE TABLE media_blocked (
    digest BLOB PRIMARY KEY
) STRICT, WITHOUT ROWID;
