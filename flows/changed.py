"""What is different between two publications of a name, in a few words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tasks.publish.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from schemas.publication import Manifest

_MOST_PARAMETERS = 3


def what_changed(before: Manifest | None, now: Manifest) -> str:
    """Say what a publication was made from that the one before it was not.

    Parameters
    ----------
    before : Manifest or None
        None for the first.
    now : Manifest

    Returns
    -------
    str
        Such as ``corpus: 1 file new; sample.draws 600, was 1000``.
    """
    if before is None:
        return "first publication"
    said = [*_corpus(before, now), *_parameters(before.parameters, now.parameters)]
    if before.steps != now.steps:
        said.append("Encore itself")
    return "; ".join(said) or "nothing: made again"


def _corpus(before: Manifest, now: Manifest) -> Iterator[str]:
    old = {source.sha256 for source in before.corpus.sources}
    new = {source.sha256 for source in now.corpus.sources}
    words = [counted(len(new - old), "file") + " new"] if new - old else []
    words += [counted(len(old - new), "file") + " gone"] if old - new else []
    if words:
        rows = now.corpus.rows.kept - before.corpus.rows.kept
        yield f"corpus: {', '.join(words)}, {rows:+,} tracks"


def _parameters(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    old, new = _flat(before), _flat(now)
    changed = [name for name in sorted({*old, *new}) if old.get(name) != new.get(name)]
    for name in changed[:_MOST_PARAMETERS]:
        yield f"{name} {new.get(name)}, was {old.get(name)}"
    if len(changed) > _MOST_PARAMETERS:
        yield f"and {counted(len(changed) - _MOST_PARAMETERS, 'other parameter')}"


def _flat(parameters: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in parameters.items():
        if not prefix and name == "sources":
            continue  # where a corpus lay says less than what it was
        if isinstance(value, dict):
            found.update(_flat(value, f"{prefix}{name}."))
        else:
            found[f"{prefix}{name}"] = value
    return found
