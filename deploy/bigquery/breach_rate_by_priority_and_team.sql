-- Which teams miss their SLA, and for which priority? Of the tickets due in the last four weeks up to the horizon.
-- A ticket that wasn't resolved by its due time is breached, resolved later or not; its team is its agent's team now.
WITH horizon AS (
  SELECT MAX(ops_date) AS last_day FROM opslake.backlog_daily
),

due AS (
  SELECT
    tickets.priority,
    COALESCE(agents.team, 'unknown') AS team,
    CASE
      WHEN tickets.resolved_at <= tickets.sla_due_at THEN 0
      ELSE 1
    END AS is_breached
  FROM opslake.fact_tickets AS tickets
  CROSS JOIN horizon
  LEFT JOIN opslake.dim_ticket_agents AS agents ON tickets.agent_id = agents.agent_id
  WHERE
    tickets.sla_due_date <= horizon.last_day
    AND tickets.sla_due_date > DATE_SUB(horizon.last_day, INTERVAL 28 DAY)
    AND tickets.created_date <= horizon.last_day
)

SELECT
  priority,
  team,
  COUNT(*) AS due,
  SUM(is_breached) AS breached,
  ROUND(CAST(SUM(is_breached) AS FLOAT64) / COUNT(*), 4) AS breach_rate
FROM due
GROUP BY priority, team
ORDER BY breach_rate DESC, due DESC, priority ASC, team ASC
