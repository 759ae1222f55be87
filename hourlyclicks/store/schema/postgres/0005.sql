-- The sums of days, as the API computes them.

CREATE TABLE hourlyclicks.daily_sums (
    series_id    BIGINT NOT NULL REFERENCES hourlyclicks.series,
    date         DATE NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('final', 'provisional')),
    fetched_at   TIMESTAMPTZ NOT NULL,  -- when it was requested
    clicks       BIGINT,                -- NULL: the API has no row for the day
    unique_users BIGINT,                -- those of the day; no sum over hours gives them
    PRIMARY KEY (series_id, date)
);

CREATE VIEW hourlyclicks.daily AS
SELECT series.account_id, series.target, sums.date, sums.clicks, sums.unique_users,
    sums.state = 'final' AS final, sums.fetched_at
FROM hourlyclicks.daily_sums AS sums
JOIN hourlyclicks.series ON series.id = sums.series_id;

-- A role that can read the hours can read the sums.
DO $$
DECLARE
    permission TEXT;
BEGIN
    FOR permission IN
        SELECT format('GRANT SELECT ON hourlyclicks.%I TO %s', made.name,
            CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END)
        FROM (VALUES ('days', 'daily_sums'), ('hourly', 'daily')) AS made (old, name)
        JOIN pg_class ON oid = ('hourlyclicks.' || made.old)::regclass
        CROSS JOIN aclexplode(relacl)
        WHERE grantee <> relowner AND privilege_type = 'SELECT'
    LOOP
        EXECUTE permission;
    END LOOP;
END
$$;
