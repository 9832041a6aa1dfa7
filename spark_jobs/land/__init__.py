"""Landing a large export: split into a file per day, put where deliveries are looked for, and marked as ready.

The export is streamed; its days are collected in files of a work folder, so that it may be larger than memory and in
any order. Each record goes byte for byte as it stood in the export. What is there already isn't put again, so a landing
that died is ended by the same command.
"""

from spark_jobs.land.splitting import Split, split
from spark_jobs.land.uploading import Landed, upload

__all__ = ["Landed", "Split", "split", "upload"]
