"""What passes between steps: a reference to files on disk, never the data itself."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Reference(BaseModel):
    """The output of a step.

    Attributes
    ----------
    step : str
        The step that made it.
    key : str
        Hash of the step's version, its inputs' content and its parameters; names the folder.
    path : str
        The folder.
    content : str
        SHA-256 over the names and hashes of the files in it.
    """

    model_config = ConfigDict(frozen=True)

    step: str
    key: str
    path: str
    content: str


class Source(BaseModel):
    """A file of tracks, as ingest found it.

    Attributes
    ----------
    path : str
        Where it is; of one that was fetched, where its copy is.
    name : str
        Its file name, which is all that reports and the quarantine show.
    sha256 : str
        Hash of its bytes, compressed or not; of a member of an archive, of what that unfolds to.
    utf8 : bool
        Whether its bytes are known to be UTF-8 text, so that they can be read as they lie.
    member : str
        If it is in an archive: its name there. `path` is the archive's.
    place : str
        If it was fetched: from where, without what is secret in it.
    stamp : tuple of int
        What the file was like before it was hashed: size, times of writing and of change, inode, device. Empty for a
        copy of what was fetched, which nobody else writes to.
    settled : bool
        Whether it had been left alone long enough then for any later change to show in its times.
    """

    model_config = ConfigDict(frozen=True)

    path: str
    name: str
    sha256: str
    utf8: bool = False
    member: str = ""
    place: str = ""
    stamp: tuple[int, ...] = ()
    settled: bool = False
