-- The feeds of changes that the host app sends; `n` is stored in the commit of the changes up to it.
CREATE TABLE graph_feeds (
    feed TEXT PRIMARY KEY,
    n    INTEGER NOT NULL -- of the last change that was carried out
) STRICT, WITHOUT ROWID;
