"""The partitions of a corpus, and how far its repeats have been folded."""

from __future__ import annotations

import itertools
import json
import os
import shutil
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemas.reports import SiftReport
from schemas.tracks import arrow_schema
from schemas.versions import STEPS
from tasks.changes import CHANGES
from tasks.ingest import sifting
from tasks.ingest.recordings import fold_recordings
from tasks.ingest.repeats import Fold, Noted, fold
from tasks.ingest.sums import Sums
from tasks.ingest.writing import NOTES, write_tracks
from tasks.stamps import distrust
from tasks.tracks import TRACKS, changes_of, partitions_of, read_tracks

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pyarrow as pa

    from schemas.parameters import IngestParameters
    from schemas.references import Source

FOLDED = "folded.json"


@dataclass(frozen=True)
class Sifted:
    """A source that has been read, and the folder where `sifting.sift` left what it found."""

    source: Source
    folder: Path

    @property
    def report(self) -> SiftReport:
        """What was found of it."""
        return SiftReport.model_validate_json((self.folder / sifting.REPORT).read_text(encoding="utf-8"))

    @property
    def parts(self) -> list[Path]:
        """Its partitions, in order."""
        return partitions_of(self.folder)


@dataclass(frozen=True)
class Part:
    """A partition of a corpus: where it is, the hash of its source, what folding asks of it, and what it is like."""

    place: Path
    sha256: str
    noted: Noted
    sums: Sums


def linked(found: Sequence[tuple[Sifted, SiftReport]], folder: Path) -> list[Part]:
    """Put the partitions of all sources into one folder, by reference.

    Parameters
    ----------
    found : sequence of (Sifted, SiftReport)
    folder : Path
        Is made.
    """
    folder.mkdir()
    parts: list[Part] = []
    for one, report in found:
        for number, (part, plain) in enumerate(zip(one.parts, report.parts, strict=True)):
            place = folder / f"part-{len(parts):05}.parquet"
            _share(part, place)
            sums = Sums.from_plain(plain)
            begins = (sifting.identity_of(one.source), number)
            noted = Noted(begins, sums.rows, one.folder / NOTES / f"{part.stem}.arrow")
            parts.append(Part(place, one.source.sha256, noted, sums))
    return parts


def _share(file: Path, place: Path) -> None:
    """Have a file that nobody writes to again in another place too."""
    try:
        os.link(file, place)
    except OSError:  # another disk, or one that cannot
        shutil.copyfile(file, place)
        distrust(file)  # the copy is as good as this was, and who finds it wrong does not know whence it came


def foldable(parameters: IngestParameters) -> dict[str, object]:
    """Return what has to be the same for a fold to go on from another."""
    versions = {step: STEPS[step] for step in ("sift", "ingest")}
    return {"repeats": parameters.repeats, **sifting.key_parameters(parameters), **versions}


def folded(parts: Sequence[Part], parameters: IngestParameters, folder: Path, base: Path | None) -> Fold:
    """Fold repeats, beginning where an earlier result ended, and write down how far it came.

    Parameters
    ----------
    parts : sequence of Part
        In `folder`.
    parameters : IngestParameters
    folder : Path
        Is given the changes of the partitions, and ``folded.json``.
    base : Path, optional
        An earlier result of some of the sources.

    Returns
    -------
    Fold
        All in all.
    """
    before = json.loads((base / FOLDED).read_text(encoding="utf-8")) if base else {"sources": {}}
    old: list[Path] = []
    ordinal: Counter[str] = Counter()
    for part in parts:
        if part.sha256 in before["sources"]:
            old.append(part.place)
            name = before["sources"][part.sha256][ordinal[part.sha256]]
            ordinal[part.sha256] += 1
            if base and (changes := changes_of(base / TRACKS / name)).is_file():
                (folder / CHANGES).mkdir(exist_ok=True)
                _share(changes, changes_of(part.place))
    known = set(old)
    fresh = [part.place for part in parts if part.place not in known]
    total = fold(fresh, old, noted={part.place: part.noted for part in parts})
    if base:
        total += Fold(before["repeats"], before["conflicts"], Sums.from_plain(before["gone"]))
    names: dict[str, list[str]] = {}
    for part in parts:
        names.setdefault(part.sha256, []).append(part.place.name)
    state = {
        "how": foldable(parameters),
        "sources": names,
        "repeats": total.repeats,
        "conflicts": total.conflicts,
        "gone": total.gone.plain(),
    }
    (folder / FOLDED).write_text(json.dumps(state, indent=1) + "\n", encoding="utf-8")
    return total


def recordings_folded(folder: Path) -> int:
    """Fold re-releases too; partitions are then written anew. Return the rows that were folded."""
    scratch = folder / ".folding"
    scratch.mkdir()
    whole = scratch / TRACKS
    whole.mkdir()
    try:
        for part in partitions_of(folder):
            tracks = read_tracks(part, arrow_schema().names)
            if tracks.num_rows:
                write_tracks(tracks, whole / part.name)
        shutil.rmtree(folder / TRACKS)
        shutil.rmtree(folder / CHANGES, ignore_errors=True)
        (folder / TRACKS).mkdir()
        numbers = itertools.count()

        def write(tracks: pa.Table) -> None:
            if tracks.num_rows:
                place = folder / TRACKS / f"part-{next(numbers):05}.parquet"
                write_tracks(tracks, place)

        return fold_recordings(partitions_of(scratch), scratch, write)
    finally:
        shutil.rmtree(scratch)
