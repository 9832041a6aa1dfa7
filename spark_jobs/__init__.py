"""What runs on Spark: contracts, sources, Bronze, Silver, Gold and the run that ties them together."""

__version__ = "0.1.0"
