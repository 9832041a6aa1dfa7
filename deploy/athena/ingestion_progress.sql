-- How far is each dataset, and what did it bring? One row per dataset of the ledger.
WITH progress AS (
  SELECT
    dataset,
    MIN(CASE WHEN status = 'SUCCEEDED' THEN ops_date END) AS first_day,
    MAX(CASE WHEN status = 'SUCCEEDED' THEN ops_date END) AS last_day,
    SUM(CASE WHEN status = 'SUCCEEDED' THEN 1 ELSE 0 END) AS days_succeeded,
    SUM(CASE WHEN status = 'FAILED' THEN 1 ELSE 0 END) AS days_failed,
    SUM(CASE WHEN is_overdue THEN 1 ELSE 0 END) AS days_overdue,
    SUM(rows_ingested) AS rows_ingested,
    SUM(rows_rejected) AS rows_rejected,
    SUM(rows_read) AS rows_read,
    MAX(ingested_at) AS last_ingested_at
  FROM opslake.ingestion_days
  GROUP BY dataset
)

SELECT
  dataset,
  first_day,
  last_day,
  days_succeeded,
  days_failed,
  days_overdue,
  rows_ingested,
  ROUND(CAST(rows_rejected AS DOUBLE) / NULLIF(rows_read, 0), 4) AS rejected_rate,
  last_ingested_at
FROM progress
ORDER BY dataset
