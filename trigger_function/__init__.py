"""What starts the daily job in the cloud: a function on a schedule and on files that land. Imports no pyspark."""
