"""Whether readers see what has just been published: the promotion rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.comparison import COMPARISON, Comparison

if TYPE_CHECKING:
    from pathlib import Path

    from schemas.parameters import PublishParameters


def read_comparison(folder: Path | None) -> Comparison:
    """Read what `compare` found."""
    if folder is None:
        return Comparison(note="nothing was compared")
    return Comparison.model_validate_json((folder / COMPARISON).read_bytes())


def reason_to_hold_back(parameters: PublishParameters, comparison: Comparison, current: str | None) -> str:
    """Return why readers are not to see a new version, or nothing if they are.

    The gate has passed it: what has not converged is not published at all.

    Parameters
    ----------
    parameters : PublishParameters
    comparison : Comparison
    current : str, optional
        What readers see.

    Returns
    -------
    str
        A sentence's end, for the manifest, the terminal and the UI.
    """
    if parameters.promote == "always" or current is None:
        return ""
    if parameters.promote == "never":
        return "--promote never was asked for"
    if comparison.version and comparison.version != current:
        return f"it was compared with {comparison.version}, and {current} became current meanwhile"
    if comparison.clearly_worse:
        return f"it predicts clearly worse than the current one ({comparison.sentence})"
    return ""
