-- What was asked and answered. hourlyclicks writes these tables; anybody may read them.

CREATE TABLE properties (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE accounts (
    id          INTEGER PRIMARY KEY,
    fingerprint TEXT NOT NULL UNIQUE  -- a keyed hash of the API key, or of the name given to the account
);

CREATE TABLE series (
    id         INTEGER PRIMARY KEY,
    account_id INTEGER NOT NULL REFERENCES accounts,
    endpoint   TEXT NOT NULL,
    target     TEXT NOT NULL,  -- 'account', 'group 7' or 'https://vvd.bz/kYdr'
    UNIQUE (account_id, endpoint, target)
);

CREATE TABLE days (
    series_id  INTEGER NOT NULL REFERENCES series,
    date       TEXT NOT NULL,     -- '2025-04-20'
    state      TEXT NOT NULL CHECK (state IN ('final', 'provisional', 'empty', 'failed', 'refused')),
    hours      INTEGER NOT NULL CHECK (hours BETWEEN 0 AND 24),  -- how many are reported
    fetched_at TEXT NOT NULL,     -- when it was asked for, in UTC: '2025-04-21T03:00:00.00Z'
    attempts   INTEGER NOT NULL,  -- requests spent on it altogether
    revision   INTEGER NOT NULL,  -- how often its figures changed, from 1; 0 without figures
    error      TEXT,              -- why the last request failed: the class, the API's code, the HTTP status, the words
    code       INTEGER,
    status     INTEGER,
    reason     TEXT,
    PRIMARY KEY (series_id, date)
) WITHOUT ROWID;

CREATE INDEX failed_days ON days (series_id, date) WHERE state = 'failed';

CREATE TABLE hours (
    series_id    INTEGER NOT NULL REFERENCES series,
    date         TEXT NOT NULL,
    hour         INTEGER NOT NULL CHECK (hour BETWEEN 0 AND 23),
    clicks       INTEGER NOT NULL,
    unique_users INTEGER NOT NULL,  -- they do not add up over hours
    PRIMARY KEY (series_id, date, hour)
) WITHOUT ROWID;

CREATE TABLE pacing (
    account_id INTEGER PRIMARY KEY REFERENCES accounts,
    state      TEXT NOT NULL  -- the limiter's shared log; of use to hourlyclicks only
);

CREATE VIEW clicks AS
SELECT series.account_id, series.target, hours.date, hours.hour, hours.clicks, hours.unique_users, days.state
FROM hours
JOIN days ON days.series_id = hours.series_id AND days.date = hours.date
JOIN series ON series.id = hours.series_id;

INSERT INTO properties VALUES ('salt', randomblob(32));
