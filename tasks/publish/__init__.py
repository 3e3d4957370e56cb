"""Publish: an immutable, versioned publication; the pointer `current` moves last."""
