-- The state tables as they lie at <lake>/state/<name>, for who queries them. Documentation: `opslake` makes the
-- tables itself, from state/tables.py, and a test holds the two together. Instants are UTC.

-- How far the ingestion of each dataset and day has come. One row per dataset and logical_date.
CREATE TABLE ingestion_state (
  dataset STRING NOT NULL COMMENT 'name of the dataset, as in its contract',
  logical_date DATE NOT NULL COMMENT 'the day whose delivery this is about, not the day of the run',
  status STRING NOT NULL COMMENT 'PENDING, RUNNING, SUCCEEDED, FAILED or SKIPPED',
  attempt BIGINT COMMENT 'how often these deliveries have been tried, from 1; a corrected delivery begins anew',
  run_id STRING COMMENT 'the run that wrote this row',
  rows_read BIGINT COMMENT 'records in the delivery = inserted + updated + unchanged + stale + duplicates + rejected',
  rows_ingested BIGINT COMMENT 'records that changed Silver = rows_inserted + rows_updated',
  rows_inserted BIGINT COMMENT 'records whose key was new to Silver',
  rows_updated BIGINT COMMENT 'records that replaced an older version of their key',
  rows_unchanged BIGINT COMMENT 'records equal to what Silver held, lineage aside',
  rows_stale BIGINT COMMENT 'records of which Silver, or a later delivery, had a newer version',
  rows_duplicates BIGINT COMMENT 'records that lost to another one of their key in the same delivery',
  rows_rejected BIGINT COMMENT 'records in the exception path with their reasons',
  rows_absent BIGINT COMMENT 'keys of an earlier delivery of the day that its correction no longer has (merge datasets)',
  rows_deleted BIGINT COMMENT 'keys deleted from Silver because a whole-dataset delivery no longer has them',
  warnings STRING COMMENT 'JSON object: name of a warning to number of records',
  deliveries ARRAY<STRUCT<path: STRING, size: BIGINT, checksum: STRING, modified: TIMESTAMP>>
    COMMENT 'the files that the row is about: full path, bytes, hexadecimal checksum, time of last modification',
  loaded ARRAY<STRING> COMMENT 'ids (12 digits) of all deliveries of the day that ever reached Silver',
  silver_version BIGINT COMMENT 'version of the Silver table that holds these deliveries; null until it does',
  started_at TIMESTAMP COMMENT 'when the run took the day up',
  finished_at TIMESTAMP COMMENT 'when it was done with it, well or not',
  duration_seconds DOUBLE COMMENT 'from started_at to finished_at',
  ingestion_timestamp TIMESTAMP COMMENT 'when Silver was committed',
  error_class STRING COMMENT 'of a FAILED day: the kind of error, missing_delivery where nothing came',
  error_message STRING COMMENT 'of a FAILED day: what failed, where, and what to do',
  accepted_rejects BOOLEAN COMMENT 'whether somebody let the day pass above its reject ratio',
  gold_pending BOOLEAN COMMENT 'whether Gold tables have yet to take this day up',
  replayed ARRAY<STRING> COMMENT 'ids (12 digits) of deliveries of corrected rows of the day, by exceptions replay',
  tokens ARRAY<STRING> COMMENT 'what the catalogue of a source that is no file said of each delivery, in their order'
) USING DELTA;

-- The runs. One row per run_id, written at its start and again at its end.
CREATE TABLE runs (
  run_id STRING NOT NULL COMMENT 'identity of the run, also in the userMetadata of its commits',
  command STRING COMMENT 'the command and its options',
  started_at TIMESTAMP COMMENT 'when it began',
  finished_at TIMESTAMP COMMENT 'when it ended; null while it runs and when it was killed',
  duration_seconds DOUBLE COMMENT 'from started_at to finished_at',
  exit_code BIGINT COMMENT '0 done, 1 data failed, 2 wrong usage, 3 engine or source error, 75 lake held; null as above',
  lease_number BIGINT COMMENT 'the number of the last lease that it held',
  host STRING COMMENT 'the machine that it ran on',
  opslake_version STRING COMMENT 'version of the package',
  spark_version STRING COMMENT 'version of Spark; null when it started none',
  figures STRING COMMENT 'JSON object: the summary of the run in figures',
  error STRING COMMENT 'the error that ended it',
  loads BOOLEAN COMMENT 'whether it looked for deliveries: run and backfill do; null for runs of earlier versions'
) USING DELTA;

-- How far each Gold table has come. One row per gold_table.
CREATE TABLE gold_progress (
  gold_table STRING NOT NULL COMMENT 'name of the Gold table',
  consumed STRING COMMENT 'JSON object: each input and the version of it that was last consumed',
  horizon DATE COMMENT 'the last day that the table shows; null for tables without days',
  lease_number BIGINT COMMENT 'the lease under which it was last brought up to its inputs',
  fingerprint STRING COMMENT 'hash of the function, contracts and settings that made it',
  table_version BIGINT COMMENT 'version of the Gold table when that was recorded',
  status STRING COMMENT 'OK; FAILED its checks; WAITING for a table that failed; STALE: to be rebuilt',
  message STRING COMMENT 'why it is not OK',
  run_id STRING COMMENT 'the run that wrote this row',
  updated_at TIMESTAMP COMMENT 'when it was written'
) USING DELTA;

-- Who holds the lake, or held it last. One row; the table keeps its replaced files for an hour.
CREATE TABLE lease (
  holder STRING NOT NULL COMMENT 'identity of the process: machine, number and start',
  run_id STRING COMMENT 'the run that holds the lake',
  number BIGINT COMMENT 'number of the lease; only grows',
  acquired_at TIMESTAMP COMMENT 'when it was taken',
  heartbeat_at TIMESTAMP COMMENT 'when its holder last renewed it',
  expires_at TIMESTAMP COMMENT 'until when it lasts unless it is renewed; others wait a few seconds more',
  host STRING COMMENT 'the machine of the holder',
  pid BIGINT COMMENT 'the process number of the holder',
  command STRING COMMENT 'the command of the holder',
  released BOOLEAN COMMENT 'whether it was given up'
) USING DELTA;

-- What somebody was told. One row per event_key and receiver; while over_at is null nothing more is sent of it.
CREATE TABLE notifications (
  event_key STRING NOT NULL COMMENT 'what happened: event and subject, whichever run found it',
  event STRING COMMENT 'run_failed, reject_ratio, sla_passed, incomplete_intervals, run_too_long or no_run',
  subject STRING COMMENT 'what it happened to: dataset and day, a Gold table, a window, the run or command and its error',
  receiver STRING NOT NULL COMMENT 'the first digits of a hash of the address that took the message',
  sent_at TIMESTAMP COMMENT 'when it took it',
  run_id STRING COMMENT 'the run after which it was sent; null after a check',
  over_at TIMESTAMP COMMENT 'when it was found well again; from then on the same would be news'
) USING DELTA;

-- Customers who are forgotten. One row each; later loads know them again by the hash alone.
CREATE TABLE forgotten (
  id_hash STRING NOT NULL COMMENT 'HMAC-SHA256 of the customer id with the secret that forget_key names',
  key_check STRING COMMENT 'the same of a fixed text: tells another secret from the one that was used',
  sources ARRAY<STRING> COMMENT 'files, tables and tabs that delivered records of the customer',
  is_done BOOLEAN COMMENT 'whether every layer has been gone through',
  asked_at TIMESTAMP COMMENT 'when it was asked for first',
  run_id STRING COMMENT 'the run that wrote this row'
) USING DELTA;
