-- For what do customers try one channel after the other, and along which ones?
-- One row per category and set of channels; days_between is from a customer's first contact to the last.
WITH paths AS (
  SELECT
    category,
    ARRAY_TO_STRING(channels, ' + ') AS channels,
    contacts,
    CAST(TIMESTAMP_DIFF(last_contact, first_contact, SECOND) AS FLOAT64) / 86400 AS days_between
  FROM opslake.channel_hopping_customers
)

SELECT
  category,
  channels,
  COUNT(*) AS customers,
  SUM(contacts) AS contacts,
  ROUND(AVG(days_between), 2) AS days_between
FROM paths
GROUP BY category, channels
ORDER BY customers DESC, contacts DESC, category ASC, channels ASC
