"""A plain Spark read of CSV files, written to one Delta table. `plain_read.py TARGET BYTES FOLDER`."""

from __future__ import annotations

import sys

from benchmarks.peers.session import session


def main(target: str, size: str, folder: str) -> None:
    """Read every file below the folder by its header and write one table."""
    spark = session(int(size))
    rows = spark.read.csv(folder, header=True, multiLine=True, escape='"', recursiveFileLookup=True)
    rows.write.format("delta").save(target)


if __name__ == "__main__":
    main(*sys.argv[1:])
