"""`encore quarantine`: which rows were left out, why, and how to get at them."""

from __future__ import annotations

import contextlib
import io
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flows.options import checked
from flows.terminal import current_folder, print_line
from schemas.errors import CorpusRejected, InvalidParameter, PublicationConflict
from schemas.publication import CURRENT, MANIFEST, checked_name
from schemas.quarantine import QUARANTINE, REJECTED, REJECTED_REPORT, RejectedReport
from tasks.stores import open_store

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa


@dataclass(frozen=True)
class Found:
    """A quarantine: of what, its rows, of how many if that is known, why the corpus was rejected, and its warnings."""

    title: str
    table: pa.Table
    rows_in: int | None = None
    rejected: str = ""
    warnings: tuple[str, ...] = ()


def show_quarantine(
    to: str, what: str, reason: str, source: str, csv: Path | None, *, column: Sequence[str] = (), json: bool
) -> None:
    """Print what is in quarantine by reason, or get the rows out.

    Parameters
    ----------
    to : str
        Where publications lie.
    what : str
        A publication, a folder with a quarantine in it, or files of tracks.
    reason, source : str
        Only rows with this in a reason, of this file; empty for all.
    csv : Path, optional
        Write the rows there.
    column : sequence of str
        Which column is which in files of tracks, as ``popularity=score``.
    json : bool
        Print them as lines of JSON.

    Raises
    ------
    EncoreError
        If there is no such thing, or no such row.
    """
    from tasks.quarantined import chosen, json_lines, write_csv

    found = find(to, what, column)
    table = chosen(found.table, reason, source) if reason or source else found.table
    if csv is not None:
        text = io.StringIO(newline="")
        write_csv(table, text)
        try:
            csv.write_text(text.getvalue(), encoding="utf-8", newline="")
        except OSError as error:
            message = f"cannot write {csv}: {error.strerror or error}"
            raise InvalidParameter(message) from None
        _say(f"{table.num_rows:,} rows in {csv}: mend them there and refit with that file beside the others", json=json)
    if json:
        for line in json_lines(table):
            print_line(_escaped(line))
    elif csv is None:
        _print(found, table)


def find(to: str, what: str, column: Sequence[str] = ()) -> Found:
    """Return the quarantine that is meant.

    Raises
    ------
    EncoreError
        If there is none, or columns are named of what is no file of tracks.
    """
    path = Path(what).expanduser()
    if kept := _kept(to, what, path):
        if column:
            message = f"--column is for files of tracks, and {what} has been read already: leave it out"
            raise InvalidParameter(message)
        return kept
    if path.exists() or any(letter in what for letter in "*?[:/"):
        return _of_corpus(what, column)
    message = f"there is no publication {what} in {to}, and no folder or file {what}; make one with encore refit"
    raise PublicationConflict(message)


def _kept(to: str, what: str, path: Path) -> Found | None:
    """Return the quarantine that an earlier run left; None if none did."""
    with contextlib.suppress(InvalidParameter):
        store = open_store(to)
        if (store.beside / checked_name(what)).is_dir() or store.pointer(what):
            return _of_publication(to, what)
    if path.name == QUARANTINE and path.is_file():
        path = path.parent
    if (path / QUARANTINE).is_file():
        return _of_folder(path)
    if (path / CURRENT).is_symlink() or (path / REJECTED).is_dir():
        return _of_publication(str(path.parent), path.name)
    return None


def _of_publication(to: str, name: str) -> Found:
    rejected = open_store(to).beside / name / REJECTED
    if (rejected / QUARANTINE).is_file():
        return _of_folder(rejected)
    return _of_folder(current_folder(to, name, [QUARANTINE]))


def _of_folder(folder: Path) -> Found:
    from schemas.reports import IngestReport
    from tasks.published import read_manifest
    from tasks.quarantined import read_quarantine

    table = read_quarantine(folder / QUARANTINE)
    if (folder / MANIFEST).is_file():
        manifest = read_manifest(folder)
        corpus = manifest.corpus
        title = f"{manifest.name} {manifest.version}"
        return Found(title, table, corpus.rows.rows_in, warnings=corpus.warnings)
    if (folder / REJECTED_REPORT).is_file():
        said = RejectedReport.model_validate_json((folder / REJECTED_REPORT).read_bytes())
        return Found(f"{folder.parent.name}, the corpus that was rejected last", table, rejected=said.reason)
    if (folder / "report.json").is_file():
        report = IngestReport.model_validate_json((folder / "report.json").read_bytes())
        return Found(str(folder), table, report.rows.rows_in, warnings=report.warnings)
    return Found(str(folder), table)


def _of_corpus(what: str, column: Sequence[str]) -> Found:
    """Read and validate files of tracks as ingest does, and leave nothing behind."""
    from schemas.parameters import IngestParameters
    from tasks.ingest.corpus import ingest_corpus
    from tasks.ingest.sources import PLACES, find_sources
    from tasks.quarantined import read_quarantine

    parameters = checked(IngestParameters, max_bad_share=1, column=column)
    with tempfile.TemporaryDirectory(prefix="encore-") as scratch:
        sources = find_sources([what], Path(scratch) / PLACES)
        folder = Path(scratch) / "ingest"
        folder.mkdir()
        report, rejected = None, ""
        try:
            report = ingest_corpus(sources, parameters, folder)
        except CorpusRejected as error:
            if not (folder / QUARANTINE).is_file():
                raise
            rejected = str(error)
        table = read_quarantine(folder / QUARANTINE)
        if rejected and not table.num_rows:
            raise CorpusRejected(rejected)
    if report is None:
        return Found(what, table, rejected=rejected)
    return Found(what, table, report.rows.rows_in, warnings=report.warnings)


def _print(found: Found, table: pa.Table) -> None:
    if found.rejected:
        print_line(_clean(found.rejected) + "\n")
    of = f" of {found.rows_in:,}" if found.rows_in is not None else ""
    print_line(f"{_clean(found.title)}: {found.table.num_rows:,}{of} rows in quarantine")
    if table.num_rows:
        _print_reasons(found, table)
    for warning in found.warnings:
        print_line(f"warning: {_clean(warning)}")


def _print_reasons(found: Found, table: pa.Table) -> None:
    from tasks.quarantined import by_reason

    rows = [("rows", "share", "reason", "first")]
    for one in by_reason(table):
        whole = found.rows_in or found.table.num_rows
        rows.append((f"{one.rows:,}", _share(one.rows / whole), one.reason, f"{_clean(one.source)}:{one.row}"))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    print_line("")
    for count, share, reason, first in rows:
        print_line(f"  {count:>{widths[0]}}  {share:>{widths[1]}}  {reason:<{widths[2]}}  {first}")
    print_line(
        f"\nshare is of {'all rows' if found.rows_in else 'the rows in quarantine'}; a row can have several reasons"
    )


def _share(share: float) -> str:
    return f"{share:.1%}" if share >= 0.001 else f"{share * 100:.1g}%"  # noqa: PLR2004 - a tenth of a percent


def _clean(text: str) -> str:
    """Return text without what a terminal would obey."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _escaped(line: str) -> str:
    """Return JSON in which letters that a terminal obeys are written as JSON writes them: nothing in it is changed."""
    import json

    from tasks.publish.text import harmless

    return "".join(letter if harmless(letter) == letter else json.dumps(letter)[1:-1] for letter in line)


def _say(text: str, *, json: bool) -> None:
    if json:  # standard output is for the rows alone
        sys.stderr.write(f"{text}\n")
    else:
        print_line(text)
