"""The lake's tables in the catalogues of BigQuery and Athena: what is shown to whom, and how it gets there.

Everything is read with delta-rs and the clouds' own clients; no JVM.
"""
