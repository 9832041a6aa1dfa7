-- How old is what is open, how much of it is past due, and how much will probably be?
-- One row per priority and age at the horizon's end; expected_breaches is the sum of the tickets' breach probabilities.
WITH horizon AS (
  SELECT MAX(ops_date) AS last_day FROM opslake.backlog_daily
),

open_tickets AS (
  SELECT
    risk.priority,
    DATE_DIFF(horizon.last_day, tickets.created_date, DAY) AS age_days,
    risk.hours_to_due,
    risk.breach_probability
  FROM opslake.ticket_sla_risk AS risk
  INNER JOIN opslake.fact_tickets AS tickets ON risk.ticket_id = tickets.ticket_id
  CROSS JOIN horizon
),

banded AS (
  SELECT
    priority,
    CASE
      WHEN age_days <= 2 THEN '0-2 days'
      WHEN age_days <= 7 THEN '3-7 days'
      WHEN age_days <= 14 THEN '8-14 days'
      ELSE '15+ days'
    END AS age_band,
    age_days,
    hours_to_due,
    breach_probability
  FROM open_tickets
)

SELECT
  priority,
  age_band,
  COUNT(*) AS open_tickets,
  SUM(CASE WHEN hours_to_due < 0 THEN 1 ELSE 0 END) AS past_due,
  ROUND(SUM(breach_probability), 1) AS expected_breaches,
  MAX(age_days) AS oldest_days
FROM banded
GROUP BY priority, age_band
ORDER BY priority, MIN(age_days)
