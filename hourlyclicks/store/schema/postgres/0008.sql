-- The runs over many accounts, as they have reported last, and whether they are asked to stop.

CREATE TABLE hourlyclicks.fleets (
    run      TEXT PRIMARY KEY,
    name     TEXT NOT NULL,         -- the name it was given; empty: none
    host     TEXT NOT NULL,         -- the name of its machine
    machine  TEXT NOT NULL,         -- what only processes that see each other have in common
    pid      BIGINT NOT NULL,       -- its process id
    started  BIGINT NOT NULL,       -- when that process was started, in ticks since the machine was
    began    TIMESTAMPTZ NOT NULL,  -- when the run began, on the clock of this server
    seen     TIMESTAMPTZ NOT NULL,  -- when it reported
    active   BIGINT NOT NULL,       -- how many accounts were active
    waiting  BIGINT NOT NULL,       -- how many were known that were neither active nor done
    requests BIGINT NOT NULL,       -- how many requests those that were active still had to send
    stop     BOOLEAN NOT NULL       -- whether it is asked to stop
);

-- A role that can read the days can see the runs.
DO $$
DECLARE
    permission TEXT;
BEGIN
    FOR permission IN
        SELECT format('GRANT SELECT ON hourlyclicks.fleets TO %s',
            CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END)
        FROM pg_class CROSS JOIN aclexplode(relacl)
        WHERE oid = 'hourlyclicks.days'::regclass AND grantee <> relowner AND privilege_type = 'SELECT'
    LOOP
        EXECUTE permission;
    END LOOP;
END
$$;
