"""Where finished evaluations lie: ``<root>/<name>/evaluations/<UTC time>-<start of the key>/``, never changed."""

from __future__ import annotations

import re
import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pydantic import ValidationError

from schemas.evaluation import EVALUATION, EVALUATIONS, Evaluation
from schemas.publication import checked_name
from tasks.storage import CONTENTS, Storage, is_intact

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_FOLDER = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}")
_TIME = "%Y%m%dT%H%M%SZ"
_DIGITS = 8


def find_evaluation(root: Path, name: str, wanted: Callable[[Evaluation], bool]) -> tuple[Path, Evaluation] | None:
    """Return the newest whole evaluation that is wanted, and its folder, or None.

    Parameters
    ----------
    root : Path
        Folder of publications.
    name : str
    wanted : callable
        Told of each, the newest first, until it says yes.

    Raises
    ------
    InvalidParameter
        If `name` cannot name a publication.
    """
    home = root / checked_name(name) / EVALUATIONS
    folders = [path for path in home.iterdir() if _FOLDER.fullmatch(path.name)] if home.is_dir() else []
    for folder in sorted(folders, reverse=True):
        evaluation = read_evaluation(folder)
        if evaluation is not None and wanted(evaluation) and is_intact(folder):
            return folder, evaluation
    return None


def read_evaluation(folder: Path) -> Evaluation | None:
    """Return what lies in a folder, or None if that is no evaluation that this version can read."""
    try:
        return Evaluation.model_validate_json((folder / EVALUATION).read_bytes())
    except (OSError, ValidationError):
        return None


def keep(made: Path, root: Path, name: str, key: str) -> Path:
    """Put a finished evaluation where its user looks, in one rename.

    Parameters
    ----------
    made : Path
        What the step wrote.
    root : Path
        Folder of publications.
    name, key : str

    Returns
    -------
    Path
        The new folder.
    """
    home = root / checked_name(name)
    moment = datetime.now(UTC)
    while (home / EVALUATIONS / (folder := f"{moment.strftime(_TIME)}-{key[:_DIGITS]}")).exists():
        moment += timedelta(seconds=1)

    def copy(target: Path) -> None:
        for path in made.iterdir():
            if path.name != CONTENTS:
                shutil.copyfile(path, target / path.name)

    return home / EVALUATIONS / Storage(home).run(EVALUATIONS, folder, copy).key
