#!/usr/bin/env bash
# A PostgreSQL server for the demo, on a free port of this machine and with a password of its own.
#   demo_postgres.sh start    prints shell variables that name it: FOLDER, WEB_COMPLAINTS_URL, _USER and _PASSWORD
#   demo_postgres.sh stop FOLDER
# Fails, with a word why on stderr, where none can be started.
set -euo pipefail

bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1 || true)
[ -n "$bin" ] || bin=$(dirname "$(command -v initdb || echo /nowhere/initdb)")
[ -x "$bin/initdb" ] || { echo "PostgreSQL isn't installed" >&2; exit 1; }

# The server refuses to run as root.
as_user() {
  if [ "$(id -u)" = 0 ]; then setpriv --reuid=postgres --regid=postgres --init-groups "$@"; else "$@"; fi
}

case $1 in
  start)
    folder=$(mktemp -d /tmp/opslake-demo-XXXXXX)
    read -r port password < <(python3 -c "
import secrets, socket
with socket.socket() as free:
    free.bind(('127.0.0.1', 0))
    print(free.getsockname()[1], secrets.token_hex(12))")
    printf '%s' "$password" >"$folder/password"
    [ "$(id -u)" != 0 ] || chown -R postgres: "$folder"
    cd "$folder"
    as_user "$bin/initdb" -D "$folder/data" -U demo -A scram-sha-256 --pwfile="$folder/password" --no-sync >"$folder/log" 2>&1 ||
      { tail -n 3 "$folder/log" >&2; exit 1; }
    rm "$folder/password"
    as_user "$bin/pg_ctl" -D "$folder/data" -l "$folder/server.log" -w \
      -o "-p $port -k $folder -c listen_addresses=127.0.0.1 -c fsync=off" start >/dev/null ||
      { tail -n 3 "$folder/server.log" >&2; exit 1; }
    printf 'FOLDER=%s WEB_COMPLAINTS_USER=demo WEB_COMPLAINTS_PASSWORD=%s ' "$folder" "$password"
    printf 'WEB_COMPLAINTS_URL=postgresql://127.0.0.1:%s/postgres\n' "$port"
    ;;
  stop)
    cd "$2"
    as_user "$bin/pg_ctl" -D "$2/data" -m immediate stop >/dev/null
    rm -rf "$2"
    ;;
esac
