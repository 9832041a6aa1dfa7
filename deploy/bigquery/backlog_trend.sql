-- How has the backlog moved over the last eight weeks, and is it still growing?
-- One row per day: flows, backlog at the day's end, its mean over seven days, and the change against a week before.
WITH trend AS (
  SELECT
    ops_date,
    opened,
    closed,
    backlog_size,
    AVG(backlog_size) OVER (ORDER BY ops_date ROWS BETWEEN 6 PRECEDING AND CURRENT ROW) AS backlog_7_days,
    backlog_size - LAG(backlog_size, 7) OVER (ORDER BY ops_date) AS change_in_a_week,
    MAX(ops_date) OVER () AS horizon
  FROM opslake.backlog_daily
)

SELECT
  ops_date,
  opened,
  closed,
  backlog_size,
  ROUND(backlog_7_days, 1) AS backlog_7_days,
  change_in_a_week
FROM trend
WHERE ops_date > DATE_SUB(horizon, INTERVAL 56 DAY)
ORDER BY ops_date
