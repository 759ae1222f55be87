-- Figures that were replaced, and answers that are in doubt.

CREATE TABLE hourlyclicks.revisions (
    series_id    BIGINT NOT NULL REFERENCES hourlyclicks.series,
    date         DATE NOT NULL,
    revision     BIGINT NOT NULL,       -- which figures of the day, from 1; the last ones are in `hours`
    state        TEXT NOT NULL,         -- what they were when they were replaced
    fetched_at   TIMESTAMPTZ NOT NULL,  -- when they were asked for
    clicks       BIGINT[] NOT NULL,     -- 24 counts; NULL = not reported
    unique_users BIGINT[] NOT NULL,     -- likewise
    PRIMARY KEY (series_id, date, revision)
);

ALTER TABLE hourlyclicks.days ADD COLUMN doubted_at TIMESTAMPTZ;  -- when an answer was asked for that lacked hours of these figures
