-- What is known of the endpoints for ranges of days, so that the next run does not find it out again.

CREATE TABLE hourlyclicks.range_endpoints (
    account_id     BIGINT NOT NULL REFERENCES hourlyclicks.accounts,
    endpoint       TEXT NOT NULL,     -- 'clicks-by-hour/v3'
    cap_days       INTEGER,           -- how many days a request asks for at most; NULL: a month
    refused_at     TIMESTAMPTZ,       -- when a longer range was refused; NULL: none was
    from_first     INTEGER NOT NULL,  -- the most days from the first day of a range to a day with rows
    to_last        INTEGER NOT NULL,  -- the most days from a day with rows to the last day of its range
    first_included BOOLEAN NOT NULL,  -- whether a first day ever had rows
    last_included  BOOLEAN NOT NULL,  -- whether a last day ever had rows
    proved_at      TIMESTAMPTZ,       -- when the four above were seen
    witness        TEXT,              -- a target with clicks by which they can be seen again
    witness_first  DATE,              -- a day of it that had clicks
    witness_last   DATE,              -- another one, or the same
    compared_at    TIMESTAMPTZ,       -- when a day was the same in both versions; NULL: it is not known
    unusable_at    TIMESTAMPTZ,       -- when it was missing or differed, or was tried again; NULL: it is used
    PRIMARY KEY (account_id, endpoint)
);

-- A role that can read the days can read it.
DO $$
DECLARE
    permission TEXT;
BEGIN
    FOR permission IN
        SELECT format('GRANT SELECT ON hourlyclicks.range_endpoints TO %s',
            CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END)
        FROM pg_class CROSS JOIN aclexplode(relacl)
        WHERE oid = 'hourlyclicks.days'::regclass AND grantee <> relowner AND privilege_type = 'SELECT'
    LOOP
        EXECUTE permission;
    END LOOP;
END
$$;
