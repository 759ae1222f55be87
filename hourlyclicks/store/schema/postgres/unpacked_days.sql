-- The days of version 2 as they are in version 3: what is copied when a store is migrated, and read where it
-- cannot be.
SELECT day.series_id, day.date, day.attempts::integer, day.fetched_at, day.revision::integer, day.hours, day.state,
    CASE WHEN NOT cells.large THEN cells.clicks::integer[] END AS clicks,
    CASE WHEN NOT cells.large THEN cells.unique_users::integer[] END AS unique_users,
    CASE WHEN cells.large THEN cells.clicks END AS large_clicks,
    CASE WHEN cells.large THEN cells.unique_users END AS large_unique_users,
    doubted_at, day.error, day.code, day.status, day.reason
FROM hourlyclicks.days AS day
CROSS JOIN LATERAL (
    SELECT array_agg(hours.clicks ORDER BY clock.hour) AS clicks,
        array_agg(hours.unique_users ORDER BY clock.hour) AS unique_users,
        max(greatest(hours.clicks, hours.unique_users)) > 2147483647 AS large  -- NULL: no hour is reported
    FROM generate_series(0, 23) AS clock (hour)
    LEFT JOIN hourlyclicks.hours
        ON hours.series_id = day.series_id AND hours.date = day.date AND hours.hour = clock.hour
) AS cells
