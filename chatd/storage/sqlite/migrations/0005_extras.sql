-- Of a member, what is rarely used and nowhere filtered or summed: one MessagePack map, empty for nearly everybody.
ALTER TABLE members ADD COLUMN extras BLOB NOT NULL DEFAULT x'';
