"""The commands that have to do with a Prefect server that stays."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.reading import TO

HOME = Path("data/server")
LOOPBACK = "127.0.0.1"


def serve(
    to: Annotated[str, typer.Option(help="Folder of publications, to publish to and to show.")] = TO,
    home: Annotated[Path, typer.Option(help="Folder of the server: its database and its logs.")] = HOME,
    host: Annotated[
        str, typer.Option(help="Address to listen at; this machine alone can reach the default.")
    ] = "127.0.0.1",
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Port of the UI; as last time, or the first free one from 4200."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most runs at work at once.")] = 2,
    database: Annotated[
        str,
        typer.Option(
            metavar="URL",
            help="postgresql://USER:PASSWORD@HOST/DATABASE for the server, or PREFECT_SERVER_DATABASE_CONNECTION_URL, "
            "which ps does not show; else a file in --home.",
        ),
    ] = "",
) -> None:
    """Serve Prefect's UI with every deployment of prefect.yaml, a worker for them, and the publications to read.

    From nothing, by this one command; Ctrl-C ends all of it. Started again, it has its history.
    """
    from flows.serving import Serving, serve_until_stopped

    serve_until_stopped(Serving(to, home, host, port, limit, database))


def history(
    name: Annotated[str, typer.Argument(help="Name of a publication.")],
    home: Annotated[Path, typer.Option(help="Folder of the server that encore serve has started.")] = HOME,
    limit: Annotated[int, typer.Option(min=1, max=2000, help="The last so many.")] = 30,
    *,
    json: Annotated[bool, typer.Option("--json", help="Print all there is, as JSON.")] = False,
) -> None:
    """Show what became of the refits of a publication: when, what changed, the verdict, how long it took.

    Asks the server that PREFECT_API_URL names, or else the one that encore serve has started.
    """
    from flows.history import show_history

    show_history(name, home, limit, as_json=json)


def alerts(
    webhook: Annotated[
        str, typer.Option(metavar="URL", help="Is sent JSON: what happened, to which run, why, and where.")
    ],
    name: Annotated[str, typer.Option(help="Of this publication alone.")] = "",
    hours: Annotated[float, typer.Option(min=0.01, help="Without a completed refit, that is one overdue.")] = 26,
    home: Annotated[Path, typer.Option(help="Folder of the server that encore serve has started.")] = HOME,
) -> None:
    """Have the server call a webhook when a refit has failed or crashed, and when none has completed for some hours.

    What it makes are automations: automations/*.yaml has them, and the UI shows them. Run again, it changes them.
    """
    import os

    from flows.history import answered, api_of
    from flows.terminal import print_line

    os.environ["PREFECT_API_URL"] = api = api_of(home)
    with answered(api):
        from flows.alerting import make_alerts

        for made in make_alerts(webhook, name, hours):
            print_line(made)
