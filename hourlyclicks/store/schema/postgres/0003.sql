-- A row a day: it holds its 24 counts, and `hours` is a view of them. The columns are in an order without gaps
-- between them, so that a row takes little space.

CREATE TABLE IF NOT EXISTS hourlyclicks.packed_days (
    series_id    BIGINT NOT NULL REFERENCES hourlyclicks.series,
    date         DATE NOT NULL,
    attempts     INTEGER NOT NULL,      -- the total number of requests for it
    fetched_at   TIMESTAMPTZ NOT NULL,  -- when it was requested
    revision     INTEGER NOT NULL,      -- the number of its figures, from 1; 0 without figures
    hours        SMALLINT NOT NULL CHECK (hours BETWEEN 0 AND 24),  -- how many are reported
    state        TEXT NOT NULL CHECK (state IN ('final', 'provisional', 'empty', 'failed', 'refused')),
    clicks       INTEGER[],             -- the 24 counts; NULL inside = not reported; NULL: no hour is
    unique_users INTEGER[],             -- likewise; they do not add up over hours
    large_clicks       BIGINT[],        -- these two in place of the two above if any count is too large for those
    large_unique_users BIGINT[],
    doubted_at   TIMESTAMPTZ,           -- when an answer was requested that lacked hours of these figures
    error        TEXT,                  -- why the last request failed: the class, the API's code, the HTTP status, the message
    code         BIGINT,
    status       INTEGER,
    reason       TEXT,
    PRIMARY KEY (series_id, date)
);

LOCK TABLE hourlyclicks.days, hourlyclicks.hours IN ACCESS EXCLUSIVE MODE;

-- A migration in batches has copied most days before; these are the others, and those that changed meanwhile.
DELETE FROM hourlyclicks.packed_days AS packed USING hourlyclicks.days AS days
WHERE packed.series_id = days.series_id AND packed.date = days.date AND (
    packed.attempts <> days.attempts OR packed.state <> days.state
    OR packed.fetched_at <> days.fetched_at OR packed.reason IS DISTINCT FROM days.reason);

INSERT INTO hourlyclicks.packed_days
SELECT unpacked.* FROM (:unpacked_days) AS unpacked
WHERE NOT EXISTS (
    SELECT 1 FROM hourlyclicks.packed_days AS packed
    WHERE packed.series_id = unpacked.series_id AND packed.date = unpacked.date);

CREATE FUNCTION hourlyclicks.refuse_older_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE 'a newer hourlyclicks has changed its tables: update hourlyclicks';
END
$$;

DO $$
DECLARE
    permission TEXT;
    permissions TEXT[] := ARRAY(
        SELECT format('GRANT %s ON hourlyclicks.%I TO %s', privilege_type, view.name,
            CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END)
        FROM (VALUES ('days', 'days'), ('hours', 'hours'), ('clicks', 'clicks'), ('clicks', 'hourly'))
            AS view (old, name)
        JOIN pg_class ON oid = ('hourlyclicks.' || view.old)::regclass
        CROSS JOIN aclexplode(relacl)
        WHERE grantee <> relowner AND (privilege_type = 'SELECT' OR view.name = 'days')
    );
BEGIN
    DROP VIEW hourlyclicks.clicks;
    DROP TABLE hourlyclicks.hours;
    DROP TABLE hourlyclicks.days;
    ALTER TABLE hourlyclicks.packed_days RENAME TO days;
    ALTER INDEX hourlyclicks.packed_days_pkey RENAME TO days_pkey;
    CREATE INDEX failed_days ON hourlyclicks.days (series_id, date) WHERE state = 'failed';

    CREATE VIEW hourlyclicks.hours AS
    SELECT days.series_id, days.date, (cell.number - 1)::smallint AS hour, cell.clicks, cell.unique_users
    FROM hourlyclicks.days
    CROSS JOIN unnest(coalesce(days.large_clicks, days.clicks::bigint[]),
        coalesce(days.large_unique_users, days.unique_users::bigint[]))
        WITH ORDINALITY AS cell (clicks, unique_users, number)
    WHERE cell.clicks IS NOT NULL;

    CREATE VIEW hourlyclicks.clicks AS
    SELECT series.account_id, series.target, days.date, (cell.number - 1)::smallint AS hour,
        cell.clicks, cell.unique_users, days.state
    FROM hourlyclicks.days
    CROSS JOIN unnest(coalesce(days.large_clicks, days.clicks::bigint[]),
        coalesce(days.large_unique_users, days.unique_users::bigint[]))
        WITH ORDINALITY AS cell (clicks, unique_users, number)
    JOIN hourlyclicks.series ON series.id = days.series_id
    WHERE cell.clicks IS NOT NULL;

    -- All 24 hours of each day that was requested.
    CREATE VIEW hourlyclicks.hourly AS
    SELECT series.account_id, series.target, days.date, (cell.number - 1)::smallint AS hour,
        to_char(days.date + (cell.number - 1) * interval '1 hour', 'YYYY-MM-DD"T"HH24:MI:SS') AS time,
        cell.clicks, cell.unique_users,
        CASE
            WHEN cell.clicks IS NOT NULL THEN 'reported'
            WHEN days.revision > 0 THEN 'not_reported'
            ELSE 'not_fetched'
        END AS status,
        days.state IN ('final', 'empty') AS final, days.fetched_at, days.revision
    FROM hourlyclicks.days
    CROSS JOIN unnest(coalesce(days.large_clicks, days.clicks::bigint[], array_fill(NULL::bigint, ARRAY[24])),
        coalesce(days.large_unique_users, days.unique_users::bigint[]))
        WITH ORDINALITY AS cell (clicks, unique_users, number)
    JOIN hourlyclicks.series ON series.id = days.series_id;

    FOREACH permission IN ARRAY permissions LOOP
        EXECUTE permission;
    END LOOP;
END
$$;

-- A process of an older version that still writes reads the message of this function.
CREATE TRIGGER older_version INSTEAD OF INSERT ON hourlyclicks.hours
FOR EACH ROW EXECUTE FUNCTION hourlyclicks.refuse_older_version();
