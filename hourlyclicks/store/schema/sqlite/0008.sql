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
