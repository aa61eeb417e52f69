-- Rooms that were listed before there was a directory: their names are worked out by the daemon (jobs/maintenance.py),
-- which finds them by `listed` 2. A room without the word in its details is not listed.
UPDATE rooms SET listed = 2
WHERE listed = 0 AND deleted_by IS NULL AND instr(details, CAST('listed' AS BLOB)) > 0;
CREATE INDEX rooms_listing_due ON rooms (number) WHERE listed = 2;
