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
        Where it is.
    name : str
        Its file name, which is all that reports and the quarantine show.
    sha256 : str
        Hash of its bytes.
    """

    model_config = ConfigDict(frozen=True)

    path: str
    name: str
    sha256: str
