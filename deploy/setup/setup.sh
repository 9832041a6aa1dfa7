#!/usr/bin/env bash
# Make one environment ready: Python packages, Java, Delta jars, class-data archive. Each step leaves a trace and is
# skipped when that is there, so a second run takes a second. After it, nothing needs a network.
#   [STORES=1] deploy/setup/setup.sh VENV CONSTRAINTS SPARK_LINE SCALA PYTHON...
# With STORES=1 the jars for object stores, too: some hundred megabytes that a lake in a folder doesn't need.
set -euo pipefail
cd "$(dirname "$0")/../.."
venv=$1 constraints=$2 line=$3 scala=$4
shift 4
pythons=("$@")
postgresql=42.7.13  # the JDBC driver, the same for every Spark

say() { printf 'setup: %s\n' "$*"; }
die() { printf 'setup: %s\n' "$@" >&2; exit 1; }

find_python() {
  local candidate
  for candidate in ${PYTHON:+"$PYTHON"} "${pythons[@]}" python3; do
    if "$candidate" -c "
import ensurepip, sys, venv
allowed = {word[len('python'):] for word in sys.argv[1:]}
sys.exit('.'.join(map(str, sys.version_info[:2])) not in allowed)" "${pythons[@]}" >/dev/null 2>&1; then
      command -v "$candidate"
      return
    fi
  done
  die "found none of ${pythons[*]} with its venv module" \
      "install one (Debian, Ubuntu: apt-get install python3 python3-venv; macOS: brew install python@3.11)" \
      "or name it: make setup PYTHON=/path/to/python"
}

install_packages() {
  local stamp="$venv/.opslake-setup" wanted python
  wanted="$(cksum pyproject.toml "$constraints") $PWD"
  if [ -x "$venv/bin/python" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then return; fi
  if ! [ -x "$venv/bin/python" ]; then
    python=$(find_python)
    say "making $venv with $("$python" --version)"
    "$python" -m venv "$venv"
  fi
  say "installing the packages of $constraints"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -e '.[spark,gcp,aws,postgres,sheets,dev]' -c "$constraints"
  rm -f .cache/cds/spark"$line"-*.jsa
  printf '%s\n' "$wanted" >"$stamp"
}

java_home() { "$venv/bin/python" -m spark_jobs.java; }

install_java() {
  local package
  if java_home >/dev/null 2>&1; then return; fi
  say "no Java 17 or 21 found; installing one"
  if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    apt-get update -qq || true
    for package in openjdk-17-jdk-headless openjdk-21-jdk-headless; do
      if DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-upgrade --no-install-recommends "$package" >/dev/null; then break; fi
    done
  elif command -v dnf >/dev/null && [ "$(id -u)" = 0 ]; then
    dnf install -y -q java-17-openjdk-headless || dnf install -y -q java-21-openjdk-headless || true
  elif command -v brew >/dev/null && [ "$(id -u)" != 0 ]; then
    brew install --quiet openjdk@17 || true
  fi
  java_home >/dev/null || die "install a full Java 17 or 21, then run make setup again" \
    "Debian, Ubuntu: sudo apt-get install openjdk-17-jdk-headless" \
    "Fedora: sudo dnf install java-17-openjdk-headless" \
    "macOS: brew install openjdk@17" \
    "elsewhere: unpack any JDK 17 and set JAVA_HOME to it"
}

# Delta's jars belong to a line of Spark, the JDBC driver to none.
resolve_jars() {
  local version name
  version=$(sed -n 's/^delta-spark==//p' "$constraints")
  if [ -f ".ivy/jars/$line/delta-spark_$scala-$version.jar" ] && [ -f ".ivy/jars/$line/delta-storage-$version.jar" ]; then
    return
  fi
  say "resolving the jars of Delta $version for Spark $line"
  rm -rf ".ivy/jars/$line"
  for name in "delta-spark_$scala" delta-storage; do resolve_jar "$line" io.delta "$name" "$version"; done
}

resolve_jdbc() {
  if [ -f ".ivy/jars/jdbc/postgresql-$postgresql.jar" ]; then return; fi
  say "resolving the JDBC driver for Postgres, $postgresql"
  rm -rf .ivy/jars/jdbc
  resolve_jar jdbc org.postgresql postgresql "$postgresql"
}

#   resolve_jar FOLDER ORGANISATION NAME VERSION
resolve_jar() {
  local folder=.ivy/jars/$1 name=$3 version=$4
  ivy -notransitive -confs default -dependency "$2" "$name" "$version" -retrieve "$folder/[artifact]-[revision].[ext]"
  [ -f "$folder/$name-$version.jar" ] || die "$name $version wasn't delivered: is there a network?" \
    "behind a mirror, name an Ivy settings file of your own: make setup IVY_SETTINGS=/path/to/ivysettings.xml"
}

resolve_store_jars() {
  local module=deploy/setup/ivy-stores.xml folder=".ivy/jars-stores/$line" wanted
  wanted=$(cksum <"$module")
  if [ "$(cat "$folder/.opslake-setup" 2>/dev/null)" = "$wanted" ]; then return; fi
  say "resolving the jars for gs:// and s3a:// for Spark $line"
  rm -rf "$folder"
  ivy -ivy "$module" -confs "$line" -retrieve "$folder/[artifact]-[revision](-[classifier]).[ext]"
  ls "$folder"/gcs-connector-*.jar "$folder"/hadoop-aws-*.jar "$folder"/*bundle-*.jar >/dev/null 2>&1 ||
    die "the stores' jars weren't delivered: is there a network?"
  printf '%s\n' "$wanted" >"$folder/.opslake-setup"
}

# Ivy lies among Spark's own jars; asked alone it needs no Spark session and no file outside .ivy.
ivy() {
  local jar java
  java="$(java_home)/bin/java"
  jar=$("$venv/bin/python" -c 'import pathlib, pyspark; print(*pathlib.Path(pyspark.__file__).parent.glob("jars/ivy-*.jar"))')
  retry "$java" -jar "$jar" -warn -settings "${IVY_SETTINGS:-deploy/setup/ivysettings.xml}" -cache .ivy/cache "$@"
}

retry() {
  local pause
  for pause in 2 8 0; do
    if "$@" >.ivy/resolve.log 2>&1 && ! grep -q 'UNRESOLVED\|FAILED DOWNLOADS' .ivy/resolve.log; then return; fi
    sleep "$pause"
  done
  cat .ivy/resolve.log >&2
}

install_packages
install_java
mkdir -p .ivy
resolve_jars
resolve_jdbc
if [ -n "${STORES:-}" ]; then resolve_store_jars; fi
"$venv/bin/python" deploy/setup/class_archive.py --if-missing || say "no class-data archive; runs start a little slower"
"$venv/bin/python" deploy/setup/submit_defaults.py
say "$venv is ready (Spark $line)"
