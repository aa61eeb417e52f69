-- How many rooms a user is in: nobody counts them for each room they are put into.
CREATE TABLE memberships (
    user  TEXT PRIMARY KEY,
    rooms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO memberships SELECT user, count(*) FROM members WHERE gone IS NULL GROUP BY user;

-- Apart, so that neither a hello nor a sync walks the rooms that somebody was once in.
DROP INDEX members_of_user;
CREATE INDEX members_of_user ON members (user, room) WHERE gone IS NULL;
CREATE INDEX members_gone ON members (user, stamp) WHERE gone IS NOT NULL;

-- Devices that are not listed any more: their rows go when their revocation cannot matter.
CREATE INDEX devices_unlisted ON devices (revoked_before) WHERE removed OR last_seen = 0;
