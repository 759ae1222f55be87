-- A row a day: it holds its 24 counts, and `hours` is a view of them.

CREATE TABLE IF NOT EXISTS packed_days (
    series_id    INTEGER NOT NULL REFERENCES series,
    date         TEXT NOT NULL,     -- '2025-04-20'
    state        TEXT NOT NULL CHECK (state IN ('final', 'provisional', 'empty', 'failed', 'refused')),
    hours        INTEGER NOT NULL CHECK (hours BETWEEN 0 AND 24),  -- how many are reported
    fetched_at   TEXT NOT NULL,     -- when it was requested, in UTC: '2025-04-21T03:00:00.00Z'
    attempts     INTEGER NOT NULL,  -- the total number of requests for it
    revision     INTEGER NOT NULL,  -- the number of its figures, from 1; 0 without figures
    error        TEXT,              -- why the last request failed: the class, the API's code, the HTTP status, the message
    code         INTEGER,
    status       INTEGER,
    reason       TEXT,
    doubted_at   TEXT,              -- when an answer was requested that lacked hours of these figures
    clicks       TEXT,              -- a JSON array of the 24 counts; null = not reported; NULL: no hour is
    unique_users TEXT,              -- likewise; they do not add up over hours
    PRIMARY KEY (series_id, date)
) WITHOUT ROWID;

-- A migration in batches has copied most days before; these are the others, and those that changed meanwhile.
INSERT OR REPLACE INTO packed_days
SELECT unpacked.* FROM (:unpacked_days) AS unpacked
LEFT JOIN packed_days AS packed ON packed.series_id = unpacked.series_id AND packed.date = unpacked.date
WHERE packed.series_id IS NULL
    OR packed.attempts <> unpacked.attempts OR packed.state <> unpacked.state
    OR packed.fetched_at <> unpacked.fetched_at OR packed.reason IS NOT unpacked.reason;

DROP VIEW clicks;
DROP TABLE hours;
DROP TABLE days;
ALTER TABLE packed_days RENAME TO days;
CREATE INDEX failed_days ON days (series_id, date) WHERE state = 'failed';

CREATE VIEW hours AS
SELECT days.series_id, days.date, cell.key AS hour, cell.value AS clicks,
    json_extract(days.unique_users, '$[' || cell.key || ']') AS unique_users
FROM days, json_each(days.clicks) AS cell
WHERE cell.value IS NOT NULL;

CREATE VIEW clicks AS
SELECT series.account_id, series.target, days.date, cell.key AS hour, cell.value AS clicks,
    json_extract(days.unique_users, '$[' || cell.key || ']') AS unique_users, days.state
FROM days, json_each(days.clicks) AS cell
JOIN series ON series.id = days.series_id
WHERE cell.value IS NOT NULL;

-- All 24 hours of each day that was requested.
CREATE VIEW hourly AS
SELECT series.account_id, series.target, days.date, cell.key AS hour,
    days.date || 'T' || substr('0' || cell.key, -2) || ':00:00' AS time,
    cell.value AS clicks, json_extract(days.unique_users, '$[' || cell.key || ']') AS unique_users,
    CASE
        WHEN cell.value IS NOT NULL THEN 'reported'
        WHEN days.revision > 0 THEN 'not_reported'
        ELSE 'not_fetched'
    END AS status,
    days.state IN ('final', 'empty') AS final, days.fetched_at, days.revision
FROM days, json_each(coalesce(days.clicks,
    '[null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,null]'
)) AS cell
JOIN series ON series.id = days.series_id;

-- A process of an older version that still writes reads this message.
CREATE TRIGGER older_version INSTEAD OF INSERT ON hours
BEGIN
    SELECT raise(ABORT, 'a newer hourlyclicks has changed its tables: update hourlyclicks');
END;
