"""Write the defaults of this environment's own spark-submit: with them it knows Delta and starts quickly.

They stand in pyspark's own folder, so that they go with the environment; another Spark's spark-submit isn't touched.
"""

from __future__ import annotations

from pathlib import Path

import pyspark

from spark_jobs.session import DELTA, driver_settings


def main() -> None:
    """Write `conf/spark-defaults.conf` beside pyspark's jars."""
    settings = {**DELTA, **driver_settings(), "spark.ui.enabled": "false"}
    lines = ["# Written by make setup.", *(f"{key} {value}" for key, value in settings.items())]
    folder = Path(pyspark.__file__).parent / "conf"
    folder.mkdir(exist_ok=True)
    (folder / "spark-defaults.conf").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
