-- The tables of a new store, as the numbered scripts make them, one after the other. hourlyclicks writes these
-- tables; any program may read them.

CREATE TABLE properties (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE accounts (
    id              INTEGER PRIMARY KEY,
    fingerprint     TEXT NOT NULL UNIQUE,  -- a keyed hash of the API key, or of the name given to the account
    key_fingerprint TEXT                   -- a keyed hash of its last API key, if it has a name
);

-- An account with a name is that of its key as well, so that a client without the name keeps the same limits.
CREATE INDEX accounts_by_key ON accounts (key_fingerprint) WHERE key_fingerprint IS NOT NULL;

-- All versions of an endpoint write the same series.
CREATE TABLE series (
    id         INTEGER PRIMARY KEY,
    account_id INTEGER NOT NULL REFERENCES accounts,
    endpoint   TEXT NOT NULL,
    target     TEXT NOT NULL,  -- 'account', 'group 7' or 'https://vvd.bz/kYdr'
    UNIQUE (account_id, endpoint, target)
);

CREATE TABLE days (
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
    endpoint     TEXT,              -- the version of the endpoint that answered, as 'v3'; NULL: 'v2'
    PRIMARY KEY (series_id, date)
) WITHOUT ROWID;

CREATE INDEX failed_days ON days (series_id, date) WHERE state = 'failed';

-- Figures that were replaced.
CREATE TABLE revisions (
    series_id    INTEGER NOT NULL REFERENCES series,
    date         TEXT NOT NULL,
    revision     INTEGER NOT NULL,  -- which figures of the day, from 1; the last ones are in `days`
    state        TEXT NOT NULL,     -- what they were when they were replaced
    fetched_at   TEXT NOT NULL,     -- when they were requested
    clicks       TEXT NOT NULL,     -- a JSON array of 24 counts; null = not reported
    unique_users TEXT NOT NULL,     -- likewise
    PRIMARY KEY (series_id, date, revision)
) WITHOUT ROWID;

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

CREATE TABLE pacing (
    account_id INTEGER PRIMARY KEY REFERENCES accounts,
    state      TEXT NOT NULL  -- the limiter's shared log; of use to hourlyclicks only
);

-- What is known of the endpoints for ranges of days, so that the next run does not find it out again.
CREATE TABLE range_endpoints (
    account_id     INTEGER NOT NULL REFERENCES accounts,
    endpoint       TEXT NOT NULL,     -- 'clicks-by-hour/v3'
    cap_days       INTEGER,           -- how many days a request asks for at most; NULL: a month
    refused_at     TEXT,              -- when a longer range was refused, in UTC; NULL: none was
    from_first     INTEGER NOT NULL,  -- the most days from the first day of a range to a day with rows
    to_last        INTEGER NOT NULL,  -- the most days from a day with rows to the last day of its range
    first_included INTEGER NOT NULL CHECK (first_included IN (0, 1)),  -- whether a first day ever had rows
    last_included  INTEGER NOT NULL CHECK (last_included IN (0, 1)),   -- whether a last day ever had rows
    proved_at      TEXT,              -- when the four above were seen
    witness        TEXT,              -- a target with clicks by which they can be seen again
    witness_first  TEXT,              -- a day of it that had clicks
    witness_last   TEXT,              -- another one, or the same
    compared_at    TEXT,              -- when a day was the same in both versions; NULL: it is not known
    unusable_at    TEXT,              -- when it was missing or differed, or was tried again; NULL: it is used
    PRIMARY KEY (account_id, endpoint)
) WITHOUT ROWID;

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

-- The runs over many accounts, as they have reported last, and whether they are asked to stop.
CREATE TABLE fleets (
    run      TEXT PRIMARY KEY,
    name     TEXT NOT NULL,      -- the name it was given; empty: none
    host     TEXT NOT NULL,      -- the name of its machine
    machine  TEXT NOT NULL,      -- what only processes that see each other have in common
    pid      INTEGER NOT NULL,   -- its process id
    started  INTEGER NOT NULL,   -- when that process was started, in ticks since the machine was
    began    INTEGER NOT NULL,   -- when the run began, in nanoseconds of the clock of the limiter
    seen     INTEGER NOT NULL,   -- when it reported
    active   INTEGER NOT NULL,   -- how many accounts were active
    waiting  INTEGER NOT NULL,   -- how many were known that were neither active nor done
    requests INTEGER NOT NULL,   -- how many requests those that were active still had to send
    stop     INTEGER NOT NULL CHECK (stop IN (0, 1))  -- whether it is asked to stop
) WITHOUT ROWID;

-- A process of an older version that still writes reads this message.
CREATE TRIGGER older_version INSTEAD OF INSERT ON hours
BEGIN
    SELECT raise(ABORT, 'a newer hourlyclicks has changed its tables: update hourlyclicks');
END;

-- Likewise one that adds a target.
CREATE TRIGGER older_series BEFORE INSERT ON series WHEN new.endpoint = 'clicks-by-hour/v2'
BEGIN
    SELECT raise(ABORT, 'a newer hourlyclicks has changed its tables: update hourlyclicks');
END;

INSERT INTO properties VALUES ('salt', randomblob(32));
