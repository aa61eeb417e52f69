-- Whether a user shows their presence and last seen, and sees those of others.
ALTER TABLE users ADD COLUMN presence INTEGER NOT NULL DEFAULT 1;
