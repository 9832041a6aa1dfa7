-- Why are records refused, day by day? The last thirty days of deliveries; a record with two reasons counts for both.
-- A reason whose share rises all at once is a change at the source; `opslake exceptions list` shows the records.
WITH daily AS (
  SELECT
    dataset,
    ops_date,
    reason,
    SUM(records) AS records,
    SUM(CASE WHEN status = 'open' THEN records ELSE 0 END) AS still_open
  FROM opslake.exception_reasons_daily
  WHERE status <> 'informational'
  GROUP BY dataset, ops_date, reason
),

newest AS (
  SELECT MAX(ops_date) AS last_day FROM daily
)

SELECT
  daily.dataset,
  daily.ops_date,
  daily.reason,
  daily.records,
  daily.still_open
FROM daily
CROSS JOIN newest
WHERE daily.ops_date > DATE_SUB(newest.last_day, INTERVAL 30 DAY)
ORDER BY daily.ops_date DESC, daily.dataset ASC, daily.records DESC, daily.reason ASC
