"""The newest evaluation of a publication's corpus: how pooling compares on tracks that no fit saw."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from schemas.evaluation import EVALUATION, EVALUATIONS, Evaluation

if TYPE_CHECKING:
    from pathlib import Path

    from schemas.reports import IngestReport


def newest_evaluation(root: Path, name: str, corpus: IngestReport) -> Evaluation | None:
    """Return the newest evaluation under a name that was made of the same files, or None.

    Parameters
    ----------
    root : Path
        Folder of all publications.
    name : str
    corpus : IngestReport
        What the publication is made of.
    """
    files = sorted(source.sha256 for source in corpus.sources)
    # Their folders are named after the time; one that is half there, or of another corpus, is passed over.
    for path in sorted((root / name / EVALUATIONS).glob(f"*/{EVALUATION}"), reverse=True):
        try:
            found = Evaluation.model_validate_json(path.read_bytes())
        except (OSError, ValidationError):
            continue
        if sorted(source["sha256"] for source in found.sources) == files:
            return found
    return None
