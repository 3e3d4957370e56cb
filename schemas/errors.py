"""Errors that a user can mend.

Each says in a sentence what is wrong, where, and what to do. They are never retried, and the command line shows
them without a traceback. Anything that is not an `EncoreError` is either passing trouble (I/O) or a bug.
"""

from typing import ClassVar


class EncoreError(Exception):
    """Something the user can mend.

    Attributes
    ----------
    exit_code : int
        What the process ends with when this error reaches the command line.
    """

    exit_code: ClassVar[int] = 1


class InvalidParameter(EncoreError):
    """A parameter has a value that cannot be used."""

    exit_code = 2


class CorpusRejected(EncoreError):
    """The corpus as a whole cannot be used: no such file, no column for popularity, too many bad rows.

    Names in the sentence are strangers', and so is what a library quotes of a damaged file: of all that, only what can
    be printed is shown, on one line.
    """

    exit_code = 3

    def __init__(self, message: str) -> None:
        super().__init__("".join(letter if letter.isprintable() else "?" for letter in message))


class NotConverged(EncoreError):
    """The gate found diagnostics that forbid publishing this posterior.

    Attributes
    ----------
    verdict : str
        Path of the verdict, for who would sample again; empty where there is none.
    """

    exit_code = 4

    def __init__(self, message: str, verdict: str = "") -> None:
        super().__init__(message)
        self.verdict = verdict


class PublicationConflict(EncoreError):
    """Another run is publishing under the same name, or what lies there is not a publication."""

    exit_code = 5


class AnotherRefit(PublicationConflict):
    """Another refit of the same name is at work, or has published meanwhile."""


class NotApproved(PublicationConflict):
    """A publication was held, and nobody said yes."""


class ServerTrouble(EncoreError):
    """Prefect's server, or what goes with it, does not start or does not answer."""


class EngineFailed(EncoreError):
    """An engine in a room of its own could not be set up, failed there, or took longer than it may."""

    exit_code = 6


class NoRoom(EncoreError):
    """A disk or a quota has no room left."""

    exit_code = 7


class Interrupted(EncoreError):
    """The user pressed Ctrl-C."""

    exit_code = 130

    def __init__(self) -> None:
        super().__init__("interrupted; what is done is kept, and the same command goes on from there")


class CorruptStep(OSError):
    """What a step left on disk no longer has the content it was stored with.

    The next run finds it out and makes it again, so it is an `OSError` rather than an `EncoreError`.
    """


class PlaceUnreachable(ConnectionError):
    """A place that a corpus lies in did not answer, or broke off; never with what is secret in its address.

    That may pass, so it is tried again; the command line shows it without a traceback in the end.

    Attributes
    ----------
    exit_code : int
    """

    exit_code: ClassVar[int] = 3


class CorpusChanging(OSError):
    """A file of the corpus was written to, replaced or taken away while it was read.

    It may soon be whole, so it is tried again; the command line shows it without a traceback in the end.

    Attributes
    ----------
    exit_code : int
    """

    exit_code: ClassVar[int] = 3


class WorkerLost(ConnectionError):
    """A process that worked for a step was killed from outside, and not for want of memory.

    That may pass, so it is tried again; the command line shows it without a traceback in the end.

    Attributes
    ----------
    exit_code : int
    """

    exit_code: ClassVar[int] = 6


class StoreUnreachable(PlaceUnreachable):
    """A store of publications did not answer, or broke off; never with what is secret in its address.

    That may pass, so it is tried again.
    """

    exit_code: ClassVar[int] = 1
