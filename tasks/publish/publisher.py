"""Put what the steps made before readers: a version that never changes, and the pointer to it, moved last."""

from __future__ import annotations

import contextlib
import shutil
from typing import TYPE_CHECKING, Any

from schemas.comparison import JUDGED
from schemas.errors import AnotherRefit, NotConverged
from schemas.publication import (
    ARTIST_CONVERGENCE,
    ARTIST_MEANS,
    ARTISTS,
    DESIGN,
    MANIFEST,
    POSTERIOR,
    Manifest,
    Publication,
    PublishedFile,
    checked_name,
)
from schemas.versions import STEPS
from tasks.partials import partial_name, sweep
from tasks.publish import provenance
from tasks.publish.deciding import read_comparison, reason_to_hold_back
from tasks.publish.evaluated import newest_evaluation
from tasks.publish.evidence import DATA_DOCS, QUARANTINE, Evidence, Inputs, read_evidence
from tasks.publish.means import write_means
from tasks.publish.parquet import write_table
from tasks.publish.store import find_version
from tasks.publish.tables import coefficient_table, previous_publication, published_artists
from tasks.storage import sha256_of
from tasks.stores import open_store
from tasks.stores import store as stores
from tasks.stores.checking import files_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from schemas.evaluation import Evaluation
    from schemas.parameters import PublishParameters
    from tasks.publish.tables import Previous
    from tasks.stores.store import Press, Root, Store

__all__ = ["Inputs", "publish"]


def publish(  # noqa: PLR0913 - what a manifest records, each by its name
    to: Root,
    name: str,
    key: str,
    inputs: Inputs,
    parameters: Mapping[str, Any],
    seed: int,
    publish_parameters: PublishParameters,
    *,
    before: str | None = None,
    force: bool = False,
) -> Publication:
    """Publish, unless readers have exactly this already.

    Parameters
    ----------
    to : Path, str or Store
        Where all publications lie.
    name : str
        The publication.
    key : str
        Hash, in hex, of everything it is made from.
    inputs : Inputs
        The folders that the earlier steps made.
    parameters : mapping
        By step, as the run was given them; plain JSON, for the manifest.
    seed : int
    publish_parameters : PublishParameters
    before : str, optional
        The version that was current when the run read its corpus, empty for none. If another is by now, that run may
        have read a newer corpus, and is not overtaken.
    force : bool
        Publish a new version even if the current one is the same.

    Returns
    -------
    Publication
        The version that `current` points to now; ``new`` is False where it did before.

    Raises
    ------
    InvalidParameter
        If `name` cannot name a publication.
    NotConverged
        If the gate did not pass this posterior.
    AnotherRefit
        If another run has published since `before`.
    PublicationConflict
        If another run goes on publishing under this name, or what lies there is not a publication.
    """
    checked_name(name)
    store = open_store(to)
    with store.press(name) as press:
        current = store.current(name)
        found = None if force else find_version(store, name, key)
        if found is not None and (current is None or found >= current):
            return _published_before(store, press, name, found, publish_parameters)
        if before is not None and (current or "") != before:
            message = (
                f"another refit of {name} has published {current} since this one began, and this one does not overtake "
                "it; start it again if it is to count"
            )
            raise AnotherRefit(message)
        # Where readers are on something newer by now, or on a damaged twin, the pointer does not go back in time: what
        # was asked for is published once more, after it.
        evidence = read_evidence(inputs)
        if not evidence.verdict.passed:
            what_to_do = evidence.verdict.advice or "run the gate to see why"
            message = f"{name!r} is not published: the gate did not pass this posterior; {what_to_do}"
            raise NotConverged(message)
        comparison = read_comparison(inputs.compare)
        held_back = reason_to_hold_back(publish_parameters, comparison, current)
        version = stores.next_version(store, name, key)
        previous = previous_publication(store, name, key)
        with _staging(press.home, key) as staged:
            evaluation = newest_evaluation(store.beside, name, evidence.corpus)
            _write_files(staged, name, key, inputs, evidence, previous, evaluation, figures=publish_parameters.figures)
            manifest = Manifest(
                name=name,
                version=version,
                created=stores.now().isoformat(timespec="seconds"),
                key=key,
                corpus=evidence.corpus,
                observations=evidence.design.observations,
                artists=evidence.design.artists,
                genres=evidence.design.names("genre"),
                features=evidence.design.names("feature"),
                parameters=dict(parameters),
                seed=seed,
                sampling=evidence.sampling,
                verdict=evidence.verdict,
                scales={
                    row.name: {"mean": row.mean, "sd": row.sd}
                    for row in evidence.coefficients
                    if row.kind in {"intercept", "scale"}
                },
                steps=STEPS,
                code=provenance.code(),
                packages=provenance.packages(),
                previous=previous.version if previous else "",
                held_back=held_back,
                comparison=comparison,
                files=_hashes(staged),
            )
            (staged / MANIFEST).write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")
            press.put(staged, version)
        if not held_back:
            press.point(version)
    place = location(store, name, version)
    return Publication(name=name, version=version, key=key, path=place, new=True, held_back=held_back)


def _published_before(store: Store, press: Press, name: str, found: str, parameters: PublishParameters) -> Publication:
    """Return a version that was made from the same; readers see it from now on if they were to see it then."""
    pointer, manifest = store.pointer(name), store.manifest(name, found)
    current = store.current(name)
    held_back = ""
    if found != current and current is not None:
        held_back = "" if parameters.promote == "always" else manifest.held_back
        if not held_back and pointer is not None and found <= pointer.newest:
            held_back = f"{current} was chosen with encore promote, when this version was there already"
    # A run that was killed before it moved the pointer left its version behind it.
    moves = found != current and not held_back
    if moves:
        press.point(found)
    place = location(store, name, found)
    return Publication(name=name, version=found, key=manifest.key, path=place, new=moves, held_back=held_back)


def location(store: Store, name: str, version: str) -> str:
    """Return where a version lies: a folder on this machine, or an address."""
    return store.address(name, version) if store.distant else str(store.folder(name, version))


@contextlib.contextmanager
def _staging(home: Path, key: str) -> Iterator[Path]:
    """Give an empty folder under `home`; what is still in it afterwards is removed."""
    home.mkdir(parents=True, exist_ok=True)
    sweep(home)
    staged = home / partial_name(key)
    staged.mkdir()
    try:
        yield staged
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _write_files(  # noqa: PLR0913 - what the files are made from, each by its name
    staged: Path,
    name: str,
    key: str,
    inputs: Inputs,
    evidence: Evidence,
    previous: Previous | None,
    evaluation: Evaluation | None,
    *,
    figures: bool,
) -> None:
    """Write all but the manifest; the same inputs give the same bytes."""
    from tasks.publish.card import render_card
    from tasks.publish.predictive import predictive_check
    from tasks.publish.report import render_report

    artists = published_artists(evidence.artists, previous)
    write_table(artists, staged / ARTISTS)
    write_table(coefficient_table((*evidence.coefficients, *evidence.slopes)), staged / "coefficients.parquet")
    write_table(coefficient_table(evidence.genres), staged / "genres.parquet")
    write_means(inputs.group, evidence.design, staged / ARTIST_MEANS)
    shutil.copyfile(inputs.group / DESIGN, staged / DESIGN)
    shutil.copyfile(inputs.sample / POSTERIOR, staged / POSTERIOR)
    if (inputs.sample / ARTIST_CONVERGENCE).exists():
        shutil.copyfile(inputs.sample / ARTIST_CONVERGENCE, staged / ARTIST_CONVERGENCE)
    shutil.copyfile(inputs.ingest / QUARANTINE, staged / QUARANTINE)
    shutil.copytree(inputs.ingest / DATA_DOCS, staged / DATA_DOCS, copy_function=shutil.copyfile)
    check = predictive_check(inputs.group, evidence)
    report = render_report(name, key, artists, previous, evidence, inputs.group, evaluation=evaluation, check=check)
    (staged / "report.html").write_text(report, encoding="utf-8")
    (staged / "model_card.md").write_text(render_card(name, artists, evidence), encoding="utf-8")
    if inputs.compare:
        shutil.copyfile(inputs.compare / JUDGED, staged / JUDGED)
    if figures:
        from tasks.publish.figures import draw_figures

        draw_figures(staged / "figures", artists, evidence, check)


def _hashes(staged: Path) -> dict[str, PublishedFile]:
    files = sorted(files_of(staged).items())
    return {name: PublishedFile(sha256=sha256_of(path), size=path.stat().st_size) for name, path in files}
