"""The command that judges predictions, and what it leaves in a terminal."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from flows.options import (
    Blocks,
    Column,
    Credit,
    Genres,
    MaxDrift,
    MaxUnknownGenres,
    MaxZeros,
    MinTracks,
    RejectOn,
    Repeats,
    Slopes,
    checked,
)
from flows.reading import TO, To

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import BaseModel

    from schemas.evaluation import Evaluation
    from schemas.parameters import IngestParameters


def evaluate(  # noqa: PLR0913, PLR0917 - one option each
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE...", help="Files, folders, patterns or addresses of CSV, JSON Lines or Parquet."
        ),
    ],
    name: Annotated[str, typer.Option(help="Name of the publication to put the evaluation beside.")],
    to: To = TO,
    held_out_tracks: Annotated[
        float, typer.Option(help="Share of tracks held out, of artists who keep others.", rich_help_panel="Judge")
    ] = 0.1,
    held_out_artists: Annotated[
        float, typer.Option(help="Share of artists held out with all their tracks.", rich_help_panel="Judge")
    ] = 0.1,
    most_rows: Annotated[
        int, typer.Option(help="Most tracks judged of each kind, about.", rich_help_panel="Judge")
    ] = 20_000,
    leave_one_out: Annotated[
        bool, typer.Option(help="Also predict each seen track from all others.", rich_help_panel="Judge")
    ] = True,
    repeats: Annotated[Repeats, typer.Option(help="A track id seen before.", rich_help_panel="Ingest")] = Repeats.DROP,
    max_bad_share: Annotated[
        float, typer.Option(help="Reject a corpus with a larger share of bad rows.", rich_help_panel="Ingest")
    ] = 0.1,
    column: Column = None,
    max_unfold: Annotated[
        float, typer.Option(help="How many times its size a compressed file may be.", rich_help_panel="Ingest")
    ] = 100,
    min_tracks: MinTracks = 100,
    max_zeros: MaxZeros = 0.5,
    max_unknown_genres: MaxUnknownGenres = 0.2,
    max_drift: MaxDrift = 5,
    reject_on: RejectOn = "none",
    credit: Annotated[
        Credit, typer.Option(help="Which credited artists a track counts for.", rich_help_panel="Group")
    ] = Credit.PRIMARY,
    features: Annotated[
        str, typer.Option(help="all, none, or names joined by commas.", rich_help_panel="Group")
    ] = "all",
    genres: Annotated[
        Genres, typer.Option(help="Level of the genre effects.", rich_help_panel="Group")
    ] = Genres.FINEST,
    no_genres: Annotated[
        bool, typer.Option("--no-genres", help="The same as --genres none.", rich_help_panel="Group")
    ] = False,
    blocks: Annotated[
        Blocks, typer.Option(help="Features that share a shrinkage scale.", rich_help_panel="Group")
    ] = Blocks.DECLARED,
    slopes: Annotated[
        Slopes, typer.Option(help="genre: slopes of its own for each genre.", rich_help_panel="Group")
    ] = Slopes.NONE,
    draws: Annotated[int, typer.Option(help="Draws a chain.", rich_help_panel="Sample")] = 1000,
    tune: Annotated[int, typer.Option(help="Tuning steps a chain.", rich_help_panel="Sample")] = 300,
    chains: Annotated[int, typer.Option(help="Chains.", rich_help_panel="Sample")] = 4,
    seed: Annotated[int, typer.Option(help="Of the split and of the draws.", rich_help_panel="Sample")] = 1,
    priors: Annotated[
        Path | None, typer.Option(metavar="FILE", help="YAML or JSON, see docs/priors.md.", rich_help_panel="Sample")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Do every step again.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show Prefect's own log too.")] = False,
) -> None:
    """Judge partial, no and complete pooling, with and without features, by tracks that no fit has seen.

    Some tracks of known artists and all tracks of some artists are held out, the models are fitted to the rest, and
    each says how likely the held-out tracks are. Nothing is published; `current` stays where it is.
    """
    from schemas.parameters import (
        EvaluateParameters,
        GateParameters,
        GroupParameters,
        IngestParameters,
        SampleParameters,
    )
    from schemas.priors import Priors
    from schemas.publication import checked_name

    checked_name(name)
    parameters: dict[str, BaseModel] = {
        "ingestion": checked(
            IngestParameters,
            repeats=repeats,
            max_bad_share=max_bad_share,
            column=column or (),
            max_unfold=max_unfold,
            min_tracks=min_tracks,
            max_zeros=max_zeros,
            max_unknown_genres=max_unknown_genres,
            max_drift=max_drift,
            reject_on=reject_on,
        ),
        "grouping": checked(
            GroupParameters,
            credit=credit,
            features=features,
            genres=Genres.NONE if no_genres else genres,
            blocks=blocks,
            slopes=slopes,
        ),
        "sampling": checked(
            SampleParameters,
            draws=draws,
            tune=tune,
            chains=chains,
            seed=seed,
            priors=Priors.from_file(priors) if priors else Priors(),
        ),
        "gating": GateParameters(),
        "evaluating": checked(
            EvaluateParameters,
            held_out_tracks=held_out_tracks,
            held_out_artists=held_out_artists,
            most_rows=most_rows,
            leave_one_out=leave_one_out,
            seed=seed,
        ),
    }
    run_evaluate(sources, name, to, parameters, force=force, verbose=verbose)


def run_evaluate(
    sources: Sequence[str], name: str, to: str, parameters: Mapping[str, BaseModel], *, force: bool, verbose: bool
) -> None:
    """Run the flow in this process and print what it found.

    Parameters
    ----------
    sources : sequence of str
    name : str
    to : str
        Where publications lie.
    parameters : mapping
        By parameter of the flow: ingestion, grouping, sampling, gating, evaluating.
    force, verbose : bool

    Raises
    ------
    EncoreError
        As the flow does.
    """
    from flows.terminal import print_line, running

    started = time.monotonic()
    # With a server of the user's own, an evaluation that finds nothing new is a line in its history: there it does run.
    if not force and not os.environ.get("PREFECT_API_URL") and (found := _unchanged(sources, name, to, parameters)):
        print_line(f"Nothing new: {name} was judged by this corpus with these parameters before.")
        _print_evaluation(found[0], found[1], to, name)
        return
    with running(verbose=verbose):
        from flows.evaluate import evaluate as flow

        by_name: dict[str, Any] = dict(parameters)
        evaluated = flow(sources=list(sources), name=name, to=to, **by_name, force=force)
    from tasks.judge.evaluations import read_evaluation

    folder = Path(evaluated.path)
    evaluation = read_evaluation(folder)
    if evaluation is not None:
        _print_evaluation(folder, evaluation, to, name)
    print_line(f"{time.monotonic() - started:.0f} s in all")


def _unchanged(
    sources: Sequence[str], name: str, to: str, parameters: Mapping[str, BaseModel]
) -> tuple[Path, Evaluation] | None:
    """Return the evaluation that was made from these files, with these parameters, by this code."""
    from flows.terminal import by_step
    from flows.unchanged import found_again
    from schemas.versions import STEPS
    from tasks.judge.evaluations import find_evaluation
    from tasks.stores import open_store

    models = by_step(parameters)
    sought = found_again(sources, to, cast("IngestParameters", models["ingest"]))
    if sought is None:
        return None
    found = [{"name": source.name, "sha256": source.sha256} for source in sought]
    settings = {step: model.model_dump(mode="json") for step, model in models.items()}
    return find_evaluation(
        open_store(to).beside,
        name,
        lambda one: list(one.sources) == found and one.parameters == settings and one.steps == STEPS,
    )


def _print_evaluation(folder: Path, evaluation: Evaluation, to: str, name: str) -> None:
    from flows.terminal import print_line
    from schemas.evaluation import EVALUATIONS
    from tasks.judge.judging import FIGURE
    from tasks.judge.telling import text
    from tasks.stores import open_store

    store = open_store(to)
    shown = (store.beside if store.distant else Path(to)) / name / EVALUATIONS / folder.name
    print_line(f"\n{text(evaluation)}\n")
    print_line(f"at       {shown}")
    if (folder / FIGURE).exists():
        print_line(f"figure   {shown / FIGURE}")
