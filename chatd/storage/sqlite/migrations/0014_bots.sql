-- Accounts that are no person's.
ALTER TABLE users ADD COLUMN kind INTEGER NOT NULL DEFAULT 0; -- 1 a bot, 2 an official account
-- Small: to find them without a walk over everybody.
CREATE INDEX users_automated ON users (user) WHERE kind > 0;
