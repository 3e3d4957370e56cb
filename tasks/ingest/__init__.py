"""Ingest: any layout of Spotify tracks to validated canonical Parquet; bad rows to quarantine, with a reason."""
