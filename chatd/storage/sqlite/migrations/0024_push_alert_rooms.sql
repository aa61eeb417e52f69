-- The number of the room that an alert is about; 0 for none.
ALTER TABLE push_alerts ADD COLUMN room INTEGER NOT NULL DEFAULT 0;
