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
