-- All versions of an endpoint write the same series; each day has the version that its figures come from.

UPDATE hourlyclicks.series SET endpoint = 'clicks-by-hour' WHERE endpoint = 'clicks-by-hour/v2';

ALTER TABLE hourlyclicks.days ADD COLUMN endpoint TEXT;  -- the version of the endpoint that answered, as 'v3'; NULL: 'v2'

-- A process of an older version that adds a target reads the message of this function.
CREATE TRIGGER older_series BEFORE INSERT ON hourlyclicks.series
FOR EACH ROW WHEN (new.endpoint = 'clicks-by-hour/v2') EXECUTE FUNCTION hourlyclicks.refuse_older_version();
