-- The days of version 2 as they are in version 3: what is copied when a store is migrated, and read where it
-- cannot be.
SELECT series_id, date, state, hours, fetched_at, attempts, revision, error, code, status, reason, doubted_at,
    CASE WHEN reported THEN (
        SELECT json_group_array(cell.clicks)
        FROM json_each('[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23]') AS clock
        LEFT JOIN main.hours AS cell
            ON cell.series_id = day.series_id AND cell.date = day.date AND cell.hour = clock.value
    ) END AS clicks,
    CASE WHEN reported THEN (
        SELECT json_group_array(cell.unique_users)
        FROM json_each('[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23]') AS clock
        LEFT JOIN main.hours AS cell
            ON cell.series_id = day.series_id AND cell.date = day.date AND cell.hour = clock.value
    ) END AS unique_users
FROM (
    SELECT *, EXISTS (
        SELECT 1 FROM main.hours WHERE hours.series_id = days.series_id AND hours.date = days.date
    ) AS reported
    FROM main.days
) AS day
