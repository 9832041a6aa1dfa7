-- Questions to the state tables, in SQL that Spark, BigQuery, Athena, DuckDB and DataFusion share.
-- Each begins with its name; run them one by one, with the tables of schema.sql under their plain names.

-- name: progress
-- How far is each dataset, and what did it bring so far?
SELECT
  dataset,
  MIN(CASE WHEN status = 'SUCCEEDED' THEN logical_date END) AS first_day,
  MAX(CASE WHEN status = 'SUCCEEDED' THEN logical_date END) AS last_day,
  SUM(CASE WHEN status = 'SUCCEEDED' THEN 1 ELSE 0 END) AS succeeded,
  SUM(CASE WHEN status = 'FAILED' THEN 1 ELSE 0 END) AS failed,
  SUM(CASE WHEN status IN ('PENDING', 'RUNNING') THEN 1 ELSE 0 END) AS unfinished,
  SUM(CASE WHEN status = 'SKIPPED' THEN 1 ELSE 0 END) AS skipped,
  SUM(CASE WHEN gold_pending THEN 1 ELSE 0 END) AS waiting_for_gold,
  SUM(rows_ingested) AS rows_ingested,
  MAX(ingestion_timestamp) AS last_ingestion
FROM ingestion_state
GROUP BY dataset
ORDER BY dataset;

-- name: gaps
-- Between which settled days is one open, or not in the ledger at all?
SELECT dataset, settled_before, settled_after
FROM (
  SELECT
    dataset,
    LAG(logical_date) OVER (PARTITION BY dataset ORDER BY logical_date) AS settled_before,
    logical_date AS settled_after
  FROM ingestion_state
  WHERE status IN ('SUCCEEDED', 'SKIPPED')
) AS settled
WHERE settled_before + INTERVAL '1' DAY < settled_after
ORDER BY dataset, settled_before;

-- name: failures
-- Which days failed, how often, and why?
SELECT dataset, logical_date, attempt, error_class, error_message, run_id, finished_at
FROM ingestion_state
WHERE status = 'FAILED'
ORDER BY logical_date, dataset;

-- name: reject_ratio
-- What share of each day's records was refused? The worst come first.
SELECT
  dataset,
  logical_date,
  rows_rejected,
  rows_read,
  CAST(rows_rejected AS DECIMAL(18, 4)) / rows_read AS reject_ratio,
  accepted_rejects
FROM ingestion_state
WHERE rows_read > 0
ORDER BY reject_ratio DESC, logical_date, dataset;

-- name: oldest_pending
-- Since which day is each dataset waiting for something?
SELECT dataset, MIN(logical_date) AS oldest, COUNT(*) AS days
FROM ingestion_state
WHERE status IN ('PENDING', 'RUNNING', 'FAILED')
GROUP BY dataset
ORDER BY oldest, dataset;

-- name: unbalanced
-- For which finished days don't the classes add up? There must be none.
SELECT dataset, logical_date, run_id
FROM ingestion_state
WHERE
  status = 'SUCCEEDED'
  AND rows_read
  <> rows_inserted + rows_updated + rows_unchanged + rows_stale + rows_duplicates + rows_rejected
ORDER BY logical_date, dataset;

-- name: last_run
-- How did the last run end? Without an exit code it runs still, or was killed.
SELECT run_id, command, started_at, finished_at, duration_seconds, exit_code, error
FROM runs
ORDER BY started_at DESC
LIMIT 1;

-- name: gold_behind
-- Which Gold tables aren't as they should be, and why?
SELECT gold_table, status, horizon, message, updated_at
FROM gold_progress
WHERE status <> 'OK'
ORDER BY gold_table;

-- name: holder
-- Who holds the lake? A holder whose expires_at has passed is most likely dead, and the next run takes the lake.
SELECT run_id, command, host, pid, number, acquired_at, heartbeat_at, expires_at
FROM lease
WHERE NOT released;

-- name: told
-- What has somebody been told that isn't well again yet? The oldest come first.
SELECT
  event,
  subject,
  min(sent_at) AS first_sent_at,
  count(*) AS receivers
FROM notifications
WHERE over_at IS NULL
GROUP BY event, subject
ORDER BY first_sent_at, event, subject;
