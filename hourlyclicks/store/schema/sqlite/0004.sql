-- All versions of an endpoint write the same series; each day has the version that its figures come from.

UPDATE series SET endpoint = 'clicks-by-hour' WHERE endpoint = 'clicks-by-hour/v2';

ALTER TABLE days ADD COLUMN endpoint TEXT;  -- the version of the endpoint that answered, as 'v3'; NULL: 'v2'

-- A process of an older version that adds a target reads this message.
CREATE TRIGGER older_series BEFORE INSERT ON series WHEN new.endpoint = 'clicks-by-hour/v2'
BEGIN
    SELECT raise(ABORT, 'a newer hourlyclicks has changed its tables: update hourlyclicks');
END;
