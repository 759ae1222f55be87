-- The sums of days, as the API computes them.

CREATE TABLE daily_sums (
    series_id    INTEGER NOT NULL REFERENCES series,
    date         TEXT NOT NULL,     -- '2025-04-20'
    state        TEXT NOT NULL CHECK (state IN ('final', 'provisional')),
    fetched_at   TEXT NOT NULL,     -- when it was requested, in UTC: '2025-04-21T03:00:00.00Z'
    clicks       INTEGER,           -- NULL: the API has no row for the day
    unique_users INTEGER,           -- those of the day; no sum over hours gives them
    PRIMARY KEY (series_id, date)
) WITHOUT ROWID;

CREATE VIEW daily AS
SELECT series.account_id, series.target, sums.date, sums.clicks, sums.unique_users,
    sums.state = 'final' AS final, sums.fetched_at
FROM daily_sums AS sums
JOIN series ON series.id = sums.series_id;
