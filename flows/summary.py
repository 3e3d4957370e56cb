"""What a refit leaves in the UI when it is done: a summary to read, and a row for its history."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect.artifacts import create_markdown_artifact, create_table_artifact

from flows.changed import what_changed
from flows.operated import artifact_key
from flows.pages import link_to
from schemas.errors import PublicationConflict
from schemas.publication import VERSIONS
from tasks.gate.verdict import summary
from tasks.publish.leaderboard import leaderboard_markdown
from tasks.publish.store import read_manifest
from tasks.publish.text import markdown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schemas.publication import Manifest, Publication

OUTCOME = "outcome"
_READ = {
    "report": "report.html",
    "model card": "model_card.md",
    "checks on the data": "data_docs/index.html",
    "manifest": "manifest.json",
}


def refitted(publication: Publication, given: Mapping[str, Any]) -> str:
    """Show a publication in the UI; return the sentence for the run's state.

    Parameters
    ----------
    publication : Publication
    given : mapping
        The flow's parameters.

    Returns
    -------
    str
        Beginning with ``nothing new`` where that is so.
    """
    folder = Path(publication.path)
    manifest = read_manifest(folder)
    name = str(given["name"])
    changed = what_changed(_before(folder, manifest), manifest) if publication.new else "nothing"
    verdict = summary(manifest.verdict)
    create_markdown_artifact(
        key=artifact_key("refit", name),
        markdown=_summary(publication, manifest, changed, verdict),
        description=f"{markdown(name)}: {'published' if publication.new else 'nothing new'}",
    )
    create_table_artifact(
        key=OUTCOME,
        table=[{"publication": publication.version, "new": publication.new, "changed": changed, "verdict": verdict}],
        description=f"{markdown(name)}: a line of `encore history`",
    )
    if not publication.new:
        return f"nothing new: {publication.version} stays current"
    return f"published {publication.version} ({changed}); gate {verdict}"


def _before(folder: Path, manifest: Manifest) -> Manifest | None:
    if not manifest.previous:
        return None
    try:
        return read_manifest(folder.parent.parent / VERSIONS / manifest.previous)
    except PublicationConflict:
        return None


def _summary(publication: Publication, manifest: Manifest, changed: str, verdict: str) -> str:
    folder = Path(publication.path)
    rows = manifest.corpus.rows
    counts = (
        f"{rows.rows_in:,} rows in = {rows.kept:,} kept + {rows.repeats:,} repeats + {rows.quarantined:,} quarantined"
    )
    title = "published" if publication.new else "nothing new, this stays current"
    lines = [
        f"### {markdown(publication.name)}: {title}",
        "",
        f"Version `{publication.version}`.",
        "",
        f"**Read it:** {_links(folder)}",
        "",
        f"**Changed:** {markdown(changed)}",
        "",
        f"**Gate:** {markdown(verdict)}",
        "",
        f"**Corpus:** {counts}; {manifest.artists:,} artists",
        "",
        *(f"- **Warning:** {markdown(warning)}" for warning in manifest.corpus.warnings),
        "",
        leaderboard_markdown(folder),
    ]
    return "\n".join(lines)


def _links(folder: Path) -> str:
    shown = []
    for word, file in _READ.items():
        if (folder / file).is_file():
            link = link_to(folder / file)
            shown.append(f"[{word}]({link})" if link else f"{word} `{folder / file}`")
    return " · ".join(shown)
