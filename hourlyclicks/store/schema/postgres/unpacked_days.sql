-- The days of version 2 as they are in version 3: what is copied when a store is migrated, and read where it
-- cannot be.
SELECT series_id, date, state, hours, fetched_at, attempts::integer, revision::integer, error, code, status, reason,
    doubted_at,
    CASE WHEN reported THEN ARRAY(
        SELECT cell.clicks
        FROM generate_series(0, 23) AS clock (hour)
        LEFT JOIN hourlyclicks.hours AS cell
            ON cell.series_id = day.series_id AND cell.date = day.date AND cell.hour = clock.hour
        ORDER BY clock.hour
    ) END AS clicks,
    CASE WHEN reported THEN ARRAY(
        SELECT cell.unique_users
        FROM generate_series(0, 23) AS clock (hour)
        LEFT JOIN hourlyclicks.hours AS cell
            ON cell.series_id = day.series_id AND cell.date = day.date AND cell.hour = clock.hour
        ORDER BY clock.hour
    ) END AS unique_users
FROM (
    SELECT *, EXISTS (
        SELECT 1 FROM hourlyclicks.hours WHERE hours.series_id = days.series_id AND hours.date = days.date
    ) AS reported
    FROM hourlyclicks.days
) AS day
