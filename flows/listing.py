"""What the commands that look after publications print."""

from __future__ import annotations

import json as to_json
from typing import TYPE_CHECKING, Any

from flows.terminal import print_line
from schemas.errors import PublicationConflict
from tasks.stores import open_store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.publish.history import Row

_UNITS = ("B", "KB", "MB", "GB", "TB")


def print_publications(to: str, *, json: bool) -> None:
    """Print a line for each publication."""
    from tasks.publish.history import rows_of

    store = open_store(to)
    found = {name: rows_of(store, name) for name in store.names() if store.versions(name)}
    if json:
        print_line(dumped({name: [_plain(row) for row in rows] for name, rows in found.items()}))
        return
    if not found:
        print_line(f"nothing is published in {store.where}; make something with encore refit")
        return
    lines: list[Sequence[str]] = [("name", "versions", "current", "tracks", "artists", "size")]
    for name, rows in found.items():
        now = next((row for row in rows if row.current), None)
        counts = _counts(now) if now else ("", "")
        lines.append((name, f"{len(rows):,}", now.version if now else "none", *counts, size(sum(r.size for r in rows))))
    print_table(lines, left={0, 2})


def print_versions(to: str, name: str, *, json: bool) -> None:
    """Print a line for each version of a publication, the newest first.

    Raises
    ------
    PublicationConflict
        If nothing is published under `name`.
    """
    from tasks.publish.history import rows_of

    rows = rows_of(open_store(to), name)
    if json:
        print_line(dumped([_plain(row) for row in rows]))
        return
    lines: list[Sequence[str]] = [("", "version", "published (UTC)", "tracks", "artists", "gate", "size")]
    for row in rows:
        when = row.manifest.created[:16].replace("T", " ") if row.manifest else ""
        lines.append(
            ("*" if row.current else "", row.version, when, *_counts(row), _verdict(row), size(row.size)),
        )
    print_table(lines, left={0, 1, 2, 5})
    print_line("\n* is current" if any(row.current for row in rows) else "\nnone is current; choose: encore promote")
    for row in rows:
        if row.manifest and row.manifest.held_back:
            print_line(f"{row.version} was held back: {row.manifest.held_back}")


def _counts(row: Row) -> tuple[str, str]:
    if row.manifest is None:
        return "", ""
    return f"{row.manifest.corpus.rows.kept:,}", f"{row.manifest.artists:,}"


def _verdict(row: Row) -> str:
    if row.manifest is None:
        return "cannot be read"
    held = ", held back" if row.manifest.held_back else ""
    return ("passed" if row.manifest.verdict.passed else "not passed") + held


def _plain(row: Row) -> dict[str, Any]:
    manifest = row.manifest
    return {
        "name": row.name,
        "version": row.version,
        "current": row.current,
        "size": row.size,
        "created": manifest.created if manifest else None,
        "tracks": manifest.corpus.rows.kept if manifest else None,
        "observations": manifest.observations if manifest else None,
        "artists": manifest.artists if manifest else None,
        "passed": manifest.verdict.passed if manifest else None,
        "held_back": manifest.held_back if manifest else None,
        "key": manifest.key if manifest else None,
    }


def print_promoted(to: str, name: str, version: str) -> None:
    """Move the pointer and say so.

    Raises
    ------
    EncoreError
        If it is not there or damaged.
    """
    from tasks.publish.history import promote

    now, before = promote(open_store(to), name, version)
    if now == before:
        print_line(f"{name}: {now} is current already, and stays so until something new is published")
    else:
        print_line(f"{name}: {now} is current now{f', {before} was' if before else ''}")


def verify_versions(to: str, name: str, version: str | None) -> None:
    """Print whether a version is whole, or every one.

    Raises
    ------
    PublicationConflict
        If one is not.
    """
    from tasks.stores.choosing import resolved

    store = open_store(to)
    chosen = store.versions(name) if version is None else [resolved(store, name, version)]
    if not chosen:
        raise PublicationConflict(store.nothing(name))
    damaged = 0
    for each in reversed(chosen):
        faults = store.faults(name, each)
        if not faults:
            print_line(f"{name} {each}: {len(store.manifest(name, each).files):,} files, each as it was published")
        elif version is not None:
            message = f"{name} {each} is damaged: " + "; ".join(faults[:3])
            raise PublicationConflict(message)
        else:
            damaged += 1
            print_line(f"{name} {each} is damaged: " + "; ".join(faults[:3]))
    if damaged:
        message = f"{damaged} of {len(chosen)} versions of {name} are damaged"
        raise PublicationConflict(message)


def prune_versions(to: str, name: str, keep: int, *, dry_run: bool) -> None:
    """Take old versions away and say which.

    Raises
    ------
    EncoreError
        If nothing is published under `name`, or somebody else publishes.
    """
    from tasks.publish.history import prune
    from tasks.publish.text import counted

    pruned = prune(open_store(to), name, keep, dry_run=dry_run)
    for row in pruned.removed:
        print_line(f"{'would remove' if dry_run else 'removed'} {name} {row.version}, {size(row.size)}")
    for row in pruned.held:
        print_line(f"left {name} {row.version}: it is being read, or may be")
    freed = f"{size(pruned.freed)} {'would be' if dry_run else 'are'} free"
    print_line(f"{counted(pruned.kept, 'version')} of {name} kept; {freed}")


def prune_work(to: str, days: float, *, dry_run: bool) -> None:
    """Take away what steps left and nobody uses, and say how much."""
    from tasks.leftovers import tidy
    from tasks.publish.text import counted

    work = open_store(to).work
    gone = tidy(work, days, dry_run=dry_run)
    for one in gone:
        print_line(f"{'would remove' if dry_run else 'removed'} {one.path.relative_to(work)}, {size(one.size)}")
    print_line(
        f"{counted(len(gone), 'result')} in {work} unused for {days:g} days; "
        f"{size(sum(one.size for one in gone))} {'would be' if dry_run else 'are'} free"
    )


def size(count: float) -> str:
    """Write a number of bytes: ``3.4 MB``."""
    unit = 0
    while count >= 1000 and unit < len(_UNITS) - 1:  # noqa: PLR2004 - the step from unit to unit
        count, unit = count / 1000, unit + 1
    return f"{count:.1f} {_UNITS[unit]}" if unit else f"{count:.0f} B"


def print_table(lines: Sequence[Sequence[str]], left: set[int]) -> None:
    """Print rows of cells as an aligned table; those in `left` start together, the others end so."""
    from tasks.publish.text import aligned

    print_line(aligned(lines, left))


def dumped(value: object) -> str:
    """Return a value as JSON."""
    return to_json.dumps(value, indent=1)
