-- What one user has of another: two rows a pair, one for each side, written in one commit. `state`: 0 none, 1 sent,
-- 2 received, 3 declined (shown as none), 4 friend.
CREATE TABLE contacts (
    number    INTEGER PRIMARY KEY, -- breaks ties of `stamp` in a round of sync
    owner     TEXT NOT NULL,
    user      TEXT NOT NULL,
    state     INTEGER NOT NULL,
    blocked   INTEGER NOT NULL,
    following INTEGER NOT NULL,
    circles   INTEGER NOT NULL, -- bit n: the circle of that number
    remark    TEXT NOT NULL,
    note      TEXT NOT NULL,
    via       TEXT NOT NULL,
    since     INTEGER NOT NULL,
    expires   INTEGER NOT NULL, -- when the request or else the quiet time ends; 0: neither
    quiet     INTEGER NOT NULL, -- until then requests of `user` are not shown to `owner`
    tries     INTEGER NOT NULL, -- how often a quiet time began: each is longer
    known     INTEGER NOT NULL, -- whether they had something in common when `user` asked
    stamp     INTEGER NOT NULL  -- of the last change that `owner` may see
) STRICT;
CREATE UNIQUE INDEX contacts_pair ON contacts (owner, user);
CREATE INDEX contacts_news ON contacts (owner, stamp);
CREATE INDEX contacts_states ON contacts (owner, state, user) WHERE state > 0;
CREATE INDEX contacts_inbox ON contacts (owner, known, since) WHERE state = 2;
CREATE INDEX contacts_blocked ON contacts (owner, user) WHERE blocked = 1;
CREATE INDEX contacts_followed ON contacts (owner, user) WHERE following = 1;
CREATE INDEX contacts_followers ON contacts (user, owner) WHERE following = 1;
CREATE INDEX contacts_expiry ON contacts (expires) WHERE expires > 0;
CREATE INDEX contacts_tombstones ON contacts (stamp)
    WHERE state = 0 AND blocked = 0 AND following = 0 AND remark = '' AND expires = 0;
