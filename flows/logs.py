"""What the log of a run may hold."""

from __future__ import annotations

import logging

from schemas.errors import EncoreError
from tasks.publish.text import harmless


class Harmless(logging.Filter):
    """Makes each message one line that drives no terminal: names of files and of artists come from strangers.

    On the logger itself, so that every handler has it so: ours, Prefect's console and the log of the run in the UI.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Replace the message; let every record pass."""
        record.msg, record.args = harmless(record.getMessage()), None
        return True


class Mendable(logging.Filter):
    """Shows an error that a user can mend as its sentence, once.

    On Prefect's own logger of flow runs, which would show two tracebacks of forty lines around that sentence.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Take the traceback away; keep back what says nothing else."""
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        if not isinstance(error, EncoreError):
            return True
        if "unexpected exception" in record.getMessage():
            return False
        lines = (harmless(line) for line in str(error).splitlines())
        record.msg, record.args, record.exc_info, record.exc_text = "\n".join(lines), None, None, None
        return True
