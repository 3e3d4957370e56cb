"""Ingest: any public Spotify layout to validated canonical Parquet; bad rows to quarantine, with a reason."""
