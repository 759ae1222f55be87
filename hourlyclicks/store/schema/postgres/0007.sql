-- Which process holds an account, and may keep its limits in memory; see docs/explanation/pacing.md.

CREATE TABLE hourlyclicks.leases (
    account_id BIGINT PRIMARY KEY REFERENCES hourlyclicks.accounts,
    label      TEXT NOT NULL,         -- what the holder calls the account
    token      BIGINT NOT NULL,       -- the fencing token: raised whenever the lease is taken or taken away
    until      TIMESTAMPTZ NOT NULL,  -- when it expires, on the clock of this server
    asked      BOOLEAN NOT NULL,      -- whether another process asks for a share of the limit
    holder     TEXT NOT NULL,         -- the holder; empty: it was released
    host       TEXT NOT NULL,         -- the name of the holder's machine
    machine    TEXT NOT NULL,         -- what only processes that see each other have in common
    pid        BIGINT NOT NULL,       -- the holder's process id
    started    BIGINT NOT NULL        -- when that process was started, in ticks since the machine was
);

-- An account with a name is that of its key as well, so that a client without the name keeps the same limits.
ALTER TABLE hourlyclicks.accounts ADD COLUMN key_fingerprint TEXT;  -- a keyed hash of its last API key, if it has a name
CREATE INDEX accounts_by_key ON hourlyclicks.accounts (key_fingerprint) WHERE key_fingerprint IS NOT NULL;

-- A role that can read the days can read the leases.
DO $$
DECLARE
    permission TEXT;
BEGIN
    FOR permission IN
        SELECT format('GRANT SELECT ON hourlyclicks.leases TO %s',
            CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END)
        FROM pg_class CROSS JOIN aclexplode(relacl)
        WHERE oid = 'hourlyclicks.days'::regclass AND grantee <> relowner AND privilege_type = 'SELECT'
    LOOP
        EXECUTE permission;
    END LOOP;
END
$$;
