-- Which days are open: failed, waiting, or not in the ledger at all? The oldest come first.
-- `opslake status` says what is wrong with them, `opslake backfill` loads them.
SELECT
  dataset,
  first_day,
  last_day,
  open_days
FROM opslake.ingestion_gaps
ORDER BY first_day, dataset
