"""`encore ...`: the same flows from a terminal.

Nothing heavy is imported here: `encore --help` and every mistake on the command line answer at once.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from flows import keeping
from flows.evaluating import evaluate
from flows.gating import gate
from flows.operating import alerts, history, serve
from flows.options import (
    Blocks,
    Check,
    Column,
    Credit,
    Engine,
    Genres,
    Likelihood,
    MaxDrift,
    MaxUnknownGenres,
    MaxZeros,
    MinTracks,
    Parametrisation,
    Pooling,
    Promote,
    RejectOn,
    Repeats,
    Rungs,
    Slopes,
    actions,
    checked,
)
from flows.reading import TO, To, draws, predict, priors, quarantine, show
from schemas.errors import CorpusChanging, EncoreError, PlaceUnreachable, WorkerLost

if TYPE_CHECKING:
    from pydantic import BaseModel

app = typer.Typer(
    name="encore",
    help="How popular is an artist, given the popularity of their tracks, and how sure are we?",
    epilog="Try: encore refit data/samples/spotify_by_genre.parquet --name sample",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command(no_args_is_help=True)
def refit(  # noqa: PLR0913, PLR0917 - one option each
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE...", help="Files, folders, patterns or addresses of CSV, JSON Lines or Parquet."
        ),
    ],
    name: Annotated[str, typer.Option(help="Name of the publication.")],
    to: To = TO,
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
    pooling: Annotated[
        Pooling, typer.Option(help="How far artists are pulled towards each other.", rich_help_panel="Sample")
    ] = Pooling.PARTIAL,
    likelihood: Annotated[
        Likelihood, typer.Option(help="student_t: heavier tails, row by row.", rich_help_panel="Sample")
    ] = Likelihood.NORMAL,
    engine: Annotated[
        Engine,
        typer.Option(help="collapsed is exact and fast; the others slow references.", rich_help_panel="Sample"),
    ] = Engine.AUTO,
    parametrisation: Annotated[
        Parametrisation, typer.Option(help="What NUTS moves in, row by row.", rich_help_panel="Sample")
    ] = Parametrisation.AUTO,
    time_limit: Annotated[
        float,
        typer.Option(metavar="MINUTES", help="When --engine pymc3 is stopped; 0: never.", rich_help_panel="Sample"),
    ] = 60,
    draws: Annotated[int, typer.Option(help="Draws a chain.", rich_help_panel="Sample")] = 1000,
    tune: Annotated[int, typer.Option(help="Tuning steps a chain.", rich_help_panel="Sample")] = 300,
    chains: Annotated[int, typer.Option(help="Chains.", rich_help_panel="Sample")] = 4,
    seed: Annotated[int, typer.Option(help="The same seed gives the same posterior.", rich_help_panel="Sample")] = 1,
    target_accept: Annotated[float, typer.Option(help="Target acceptance of NUTS.", rich_help_panel="Sample")] = 0.8,
    interval: Annotated[float, typer.Option(help="Probability inside an interval.", rich_help_panel="Sample")] = 0.9,
    priors: Annotated[
        str | None,
        typer.Option(
            metavar="PRESET|FILE",
            help="A preset (encore priors lists them), or a YAML or JSON file.",
            rich_help_panel="Sample",
        ),
    ] = None,
    max_rhat: Annotated[float, typer.Option(help="Largest R-hat.", rich_help_panel="Gate")] = 1.01,
    min_ess_per_chain: Annotated[float, typer.Option(help="Smallest ESS a chain.", rich_help_panel="Gate")] = 100,
    max_divergences: Annotated[int, typer.Option(help="Most divergences.", rich_help_panel="Gate")] = 0,
    rungs: Rungs = 2,
    check: Check = None,
    promote: Annotated[
        Promote, typer.Option(help="When readers see it: docs/publication.md.", rich_help_panel="Publish")
    ] = Promote.NOT_WORSE,
    force: Annotated[bool, typer.Option("--force", help="Do every step again.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show Prefect's own log too.")] = False,
) -> None:
    """Fit a corpus anew and publish the result.

    SOURCE... are files of tracks, in any layout with an artist and a popularity. Run again with nothing changed, it
    says so; killed anywhere, the same command goes on where it stopped.
    """
    from schemas.parameters import (
        GateParameters,
        GroupParameters,
        IngestParameters,
        PublishParameters,
        SampleParameters,
    )
    from schemas.priors import Priors
    from schemas.publication import checked_name
    from tasks.sample.engines import check_installed

    checked_name(name)
    sampling = checked(
        SampleParameters,
        pooling=pooling,
        likelihood=likelihood,
        engine=engine,
        parametrisation=parametrisation,
        time_limit=time_limit,
        draws=draws,
        tune=tune,
        chains=chains,
        seed=seed,
        target_accept=target_accept,
        interval=interval,
        priors=Priors.chosen(priors) if priors else Priors(),
    )
    check_installed(sampling.resolved_engine)
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
        "sampling": sampling,
        "gating": checked(
            GateParameters,
            max_rhat=max_rhat,
            min_ess_per_chain=min_ess_per_chain,
            max_divergences=max_divergences,
            rungs=rungs,
            **actions(check),
        ),
        "publishing": checked(PublishParameters, promote=promote),
    }
    from flows.terminal import run_refit

    run_refit(sources, name, to, parameters, force=force, verbose=verbose)


for command in (
    evaluate,
    show,
    predict,
    draws,
    quarantine,
    keeping.diff,
    keeping.promote,
    keeping.verify,
    gate,
    keeping.prune,
):
    app.command(no_args_is_help=True)(command)
app.command()(keeping.publications)
app.command()(priors)
app.command()(serve)
app.command(no_args_is_help=True)(history)
app.command(no_args_is_help=True)(alerts)


def main() -> None:
    """Run the command line; what the user can mend is a sentence and an exit code, with no traceback."""
    try:
        app()
    except (EncoreError, CorpusChanging, PlaceUnreachable, WorkerLost) as error:
        _end(error)
    except OSError as error:
        from pathlib import Path

        from tasks.disk import is_full, no_room

        if not is_full(error):
            raise
        _end(no_room(error, [Path(error.filename or ".").absolute()]))


def _end(error: EncoreError | CorpusChanging | PlaceUnreachable | WorkerLost) -> NoReturn:
    from tasks.publish.text import harmless

    sys.stderr.write("encore: " + "\n".join(map(harmless, str(error).split("\n"))) + "\n")
    sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
