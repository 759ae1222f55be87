-- Figures that were replaced, and answers that are in doubt.

CREATE TABLE revisions (
    series_id    INTEGER NOT NULL REFERENCES series,
    date         TEXT NOT NULL,
    revision     INTEGER NOT NULL,  -- which figures of the day, from 1; the last ones are in `hours`
    state        TEXT NOT NULL,     -- what they were when they were replaced
    fetched_at   TEXT NOT NULL,     -- when they were asked for
    clicks       TEXT NOT NULL,     -- a JSON array of 24 counts; null = not reported
    unique_users TEXT NOT NULL,     -- likewise
    PRIMARY KEY (series_id, date, revision)
) WITHOUT ROWID;

ALTER TABLE days ADD COLUMN doubted_at TEXT;  -- when an answer was asked for that lacked hours of these figures
