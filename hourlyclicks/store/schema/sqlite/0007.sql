-- Which process holds an account, and may keep its limits in memory; see docs/explanation/pacing.md.

CREATE TABLE leases (
    account_id INTEGER PRIMARY KEY REFERENCES accounts,
    label      TEXT NOT NULL,      -- what the holder calls the account
    token      INTEGER NOT NULL,   -- the fencing token: raised whenever the lease is taken or taken away
    until      INTEGER NOT NULL,   -- when it expires, in nanoseconds of the clock of the limiter
    asked      INTEGER NOT NULL CHECK (asked IN (0, 1)),  -- whether another process asks for a share of the limit
    holder     TEXT NOT NULL,      -- the holder; empty: it was released
    host       TEXT NOT NULL,      -- the name of the holder's machine
    machine    TEXT NOT NULL,      -- what only processes that see each other have in common
    pid        INTEGER NOT NULL,   -- the holder's process id
    started    INTEGER NOT NULL    -- when that process was started, in ticks since the machine was
);

-- An account with a name is that of its key as well, so that a client without the name keeps the same limits.
ALTER TABLE accounts ADD COLUMN key_fingerprint TEXT;  -- a keyed hash of its last API key, if it has a name
CREATE INDEX accounts_by_key ON accounts (key_fingerprint) WHERE key_fingerprint IS NOT NULL;
