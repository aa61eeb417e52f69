-- In direct rooms, how a member takes messages of the other: 0 as their privacy says, 1 accepted, as all from before
-- are, 2 asked, 3 declined.
ALTER TABLE members ADD COLUMN standing INTEGER NOT NULL DEFAULT 1;
CREATE INDEX members_requests ON members (user, room) WHERE standing > 1;

-- Of a message, the members who block its author, as in `mentions`: for them it counts nothing.
ALTER TABLE events ADD COLUMN ignored TEXT;
