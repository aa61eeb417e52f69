-- Rooms that left the list of a member who was not asked: the number of that commit is in their extras.
CREATE INDEX members_unlisted ON members (user, stamp) WHERE standing = 0 AND extras <> x'';
