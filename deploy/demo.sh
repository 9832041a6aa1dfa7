#!/usr/bin/env bash
# The tour that `make demo` gives: sample deliveries, a backfill, some daily runs, and a look at what came of them.
set -euo pipefail
cd "$(dirname "$0")/.."
. .venv/bin/activate

demo=$PWD/demo
days=28
start=$(python -c "from datetime import UTC, datetime, timedelta as d; print((datetime.now(UTC) - d(days=$days)).date())")
day() { python -c "from datetime import date, timedelta as d; print(date.fromisoformat('$start') + d(days=$1))"; }
export OPSLAKE_LAKE=$demo/lake OPSLAKE_LANDING=$demo/landing OPSLAKE_LOG_FORMAT=console
export OPSLAKE_CONTRACTS=$demo/landing/_contracts  # of the sample: it reads files where there is no server

say() { printf '\n\033[1m== %s\033[0m\n' "$1"; }
try() { printf '\033[2m$ %s\033[0m\n' "$*"; "$@"; }

rm -rf "$demo"
say "1. Four weeks of tickets, calls, agent events and complaints, with the dirt of real life"
web=()
if server=$(deploy/demo_postgres.sh start); then
  eval "export $server"
  trap 'deploy/demo_postgres.sh stop "$FOLDER"' EXIT
  echo "Web complaints are tables of a PostgreSQL server at $WEB_COMPLAINTS_URL."
  export DEMO_DATABASE=${WEB_COMPLAINTS_URL/:\/\//:\/\/demo:$WEB_COMPLAINTS_PASSWORD@}
  web=(--postgres-url env:DEMO_DATABASE)
else
  echo "No PostgreSQL server can be started here: web complaints are read from Parquet."
fi
try opslake sample --out "$demo/landing" --start "$start" --days $days --tickets-per-day 150 --seed 7 ${web[@]+"${web[@]}"}

say "2. What would a run do?"
try opslake plan --end "$(day 2)"

say "3. The past in one job"
try opslake -q backfill --start "$start" --end "$(day 24)"

say "4. One day more, as a schedule would run it"
try opslake -q run --max-days 1

say "5. All that is due"
try opslake -q run

say "6. Again: nothing is due, and nothing is written"
try opslake -q run

say "7. The ledger, and what was set aside"
try opslake status --days 5
try opslake exceptions list tickets --limit 5
try opslake exceptions list calls --limit 5
try opslake exceptions list web_complaints --limit 5

say "8. Figures of three domains"
try python deploy/demo_figures.py "$demo/lake"

say "9. From a figure back to the record as it was delivered"
try opslake trace daily_agent_load --key "$(python deploy/demo_figures.py "$demo/lake" --busiest)" --limit 2

say "Where things lie"
printf '  %-10s %s\n' landing "$demo/landing" lake "$demo/lake" truth "$demo/landing/_truth"
find "$demo/lake" -mindepth 2 -maxdepth 2 -type d | sort | sed "s|$PWD/|  |"
printf '\nLook further with OPSLAKE_LAKE=%s OPSLAKE_LANDING=%s .venv/bin/opslake --help\n' demo/lake demo/landing
