"""What a refit leaves in the UI when it is done: a summary to read, and a row for its history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect.artifacts import create_markdown_artifact, create_table_artifact

from flows.changed import what_changed
from flows.operated import artifact_key
from flows.pages import link_to
from schemas.errors import PublicationConflict
from schemas.publication import ARTISTS, MANIFEST
from tasks.gate.wording import summary
from tasks.publish.leaderboard import leaderboard_markdown
from tasks.publish.text import markdown
from tasks.stores import open_store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schemas.publication import Manifest, Publication
    from tasks.stores.store import Store

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
    store, name = open_store(str(given["to"])), str(given["name"])
    manifest = store.manifest(name, publication.version)
    changed = what_changed(_before(store, manifest), manifest) if publication.new else "nothing"
    verdict = summary(manifest.verdict)
    create_markdown_artifact(
        key=artifact_key("refit", name),
        markdown=_summary(store, publication, manifest, changed, verdict),
        description=f"{markdown(name)}: {'published' if publication.new else 'nothing new'}",
    )
    create_table_artifact(
        key=OUTCOME,
        table=[{"publication": publication.version, "new": publication.new, "changed": changed, "verdict": verdict}],
        description=f"{markdown(name)}: a line of `encore history`",
    )
    if publication.held_back:
        return f"kept {publication.version}, readers stay where they were: {publication.held_back}"
    if not publication.new:
        return f"nothing new: {publication.version} stays current"
    return f"published {publication.version} ({changed}); gate {verdict}"


def _before(store: Store, manifest: Manifest) -> Manifest | None:
    if not manifest.previous:
        return None
    try:
        return store.manifest(manifest.name, manifest.previous)
    except PublicationConflict:
        return None


def _summary(store: Store, publication: Publication, manifest: Manifest, changed: str, verdict: str) -> str:
    rows = manifest.corpus.rows
    counts = (
        f"{rows.rows_in:,} rows in = {rows.kept:,} kept + {rows.repeats:,} repeats + {rows.quarantined:,} quarantined"
    )
    title = "published" if publication.new else "nothing new, this stays current"
    if publication.held_back:
        title = "kept, but readers stay where they were"
    lines = [
        f"### {markdown(publication.name)}: {title}",
        "",
        f"Version `{publication.version}`.",
        "",
        f"**Read it:** {_links(publication.path, manifest)}",
        "",
        *([f"**Held back:** {markdown(publication.held_back)}", ""] if publication.held_back else []),
        f"**Changed:** {markdown(changed)}",
        "",
        f"**Gate:** {markdown(verdict)}",
        "",
        f"**Corpus:** {counts}; {manifest.artists:,} artists",
        "",
        *(f"- **Warning:** {markdown(warning)}" for warning in manifest.corpus.warnings),
        "",
        leaderboard_markdown(store.folder(publication.name, publication.version, [ARTISTS])),
    ]
    return "\n".join(lines)


def _links(place: str, manifest: Manifest) -> str:
    shown = []
    for word, file in _READ.items():
        if file in manifest.files or file == MANIFEST:
            link = "" if "://" in place else link_to(f"{place}/{file}")
            shown.append(f"[{word}]({link})" if link else f"{word} `{place}/{file}`")
    return " · ".join(shown)
