"""Spark's own copy of a table through JDBC, to one Delta table. `jdbc_copy.py TARGET TABLE`."""

from __future__ import annotations

import os
import sys

from benchmarks.peers.session import session


def main(target: str, table: str) -> None:
    """Read the table in batches, as anybody would who has read of the fetch size, and write it."""
    options = {
        "url": "jdbc:" + os.environ["WEB_COMPLAINTS_URL"],
        "driver": "org.postgresql.Driver",
        "user": os.environ["WEB_COMPLAINTS_USER"],
        "password": os.environ["WEB_COMPLAINTS_PASSWORD"],
        "dbtable": table,
        "fetchsize": "10000",
    }
    rows = session().read.format("jdbc").options(**options).load()
    rows.write.format("delta").save(target)


if __name__ == "__main__":
    main(*sys.argv[1:])
