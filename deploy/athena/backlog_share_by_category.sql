-- Which categories make up the backlog of complaints, and does their share grow?
-- At the latest day, against four weeks before; complaints without a category stand as 'none'.
WITH horizon AS (
  SELECT MAX(ops_date) AS last_day FROM opslake.complaint_backlog_daily
),

then_and_now AS (
  SELECT
    COALESCE(daily.category, 'none') AS category,
    SUM(CASE WHEN daily.ops_date = horizon.last_day THEN daily.backlog ELSE 0 END) AS backlog,
    SUM(CASE WHEN daily.ops_date = horizon.last_day THEN 0 ELSE daily.backlog END) AS backlog_before
  FROM opslake.complaint_backlog_daily AS daily
  CROSS JOIN horizon
  WHERE daily.ops_date = horizon.last_day OR daily.ops_date = DATE_ADD('day', -28, horizon.last_day)
  GROUP BY COALESCE(daily.category, 'none')
)

SELECT
  category,
  backlog,
  ROUND(CAST(backlog AS DOUBLE) / NULLIF(SUM(backlog) OVER (), 0), 4) AS backlog_share,
  ROUND(CAST(backlog_before AS DOUBLE) / NULLIF(SUM(backlog_before) OVER (), 0), 4) AS backlog_share_before
FROM then_and_now
ORDER BY backlog DESC, category ASC
