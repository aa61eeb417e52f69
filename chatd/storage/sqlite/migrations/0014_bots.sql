-- Accounts that are no person's.
ALTER TABLE users ADD COLUMN kind INTEGER NOT NULL DEFAULT 0; -- 1 a bot, 2 an official account
-- Small: to find them without a walk over everybody.
CREATE INDEX users_automated ON users (user) WHERE kind > 0;

-- The settings of bots. One that has none is a client like any other.
CREATE TABLE bots (
    bot      TEXT PRIMARY KEY,
    commands BLOB NOT NULL, -- MessagePack: a list of names and descriptions
    welcome  BLOB NOT NULL, -- MessagePack: a Body, empty for none
    sees     TEXT NOT NULL, -- of groups: mentions, all
    hook     TEXT NOT NULL, -- where its updates are sent, empty for nowhere
    secret   TEXT NOT NULL -- signs them
) STRICT;
