-- In whose place a request of the host was carried out; empty where the host itself acted.
ALTER TABLE audit ADD COLUMN acted_as TEXT NOT NULL DEFAULT '';
CREATE INDEX audit_acted_as ON audit (acted_as, number) WHERE acted_as <> '';
