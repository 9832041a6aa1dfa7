"""Entry point for spark-submit: `opslake maintain` with the same arguments."""

import sys

if __name__ == "__main__":
    if sys.path and sys.path[0].endswith("spark_jobs"):  # spark-submit puts a script's own folder first
        sys.path.pop(0)
    from spark_jobs.submitted import submitted

    submitted("maintain")
