-- Who had most to do in the last seven days, and what is left on their desks?
-- Twenty agents by resolved tickets; `-1` is nobody and left out.
WITH horizon AS (
  SELECT MAX(ops_date) AS last_day FROM opslake.backlog_daily
),

week AS (
  SELECT
    daily.agent_id,
    SUM(daily.tickets_assigned) AS tickets_assigned,
    SUM(daily.tickets_resolved) AS tickets_resolved,
    SUM(daily.sla_breaches) AS sla_breaches
  FROM opslake.daily_agent_load AS daily
  CROSS JOIN horizon
  WHERE
    daily.agent_id <> '-1'
    AND daily.ops_date > DATE_SUB(horizon.last_day, INTERVAL 7 DAY)
    AND daily.ops_date <= horizon.last_day
  GROUP BY daily.agent_id
),

desks AS (
  SELECT
    balance.agent_id,
    balance.open_tickets_at_close
  FROM opslake.agent_backlog_daily AS balance
  INNER JOIN horizon ON balance.ops_date = horizon.last_day
)

SELECT
  week.agent_id,
  week.tickets_assigned,
  week.tickets_resolved,
  week.sla_breaches,
  COALESCE(desks.open_tickets_at_close, 0) AS open_now
FROM week
LEFT JOIN desks ON week.agent_id = desks.agent_id
ORDER BY week.tickets_resolved DESC, week.tickets_assigned DESC, week.agent_id ASC
LIMIT 20
