"""What the log of a run may hold."""

from __future__ import annotations

import logging

from tasks.publish.text import harmless


class Harmless(logging.Filter):
    """Makes each message one line that drives no terminal: names of files and of artists come from strangers.

    On the logger itself, so that every handler has it so: ours, Prefect's console and the log of the run in the UI.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Replace the message; let every record pass."""
        record.msg, record.args = harmless(record.getMessage()), None
        return True
