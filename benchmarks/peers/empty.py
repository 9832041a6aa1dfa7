"""A session and nothing else: what every Spark process pays first."""

from __future__ import annotations

from benchmarks.peers.session import session

if __name__ == "__main__":
    session()
