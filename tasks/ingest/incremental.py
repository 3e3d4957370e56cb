"""Ingest that reads only what is new.

Sources are known by their content. What was found of one is kept, so that it is read once; what was made of some of
them is where the next merge begins.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tasks.changes import CHANGES
from tasks.ingest import sifting
from tasks.ingest.folding import FOLDED, Sifted, foldable
from tasks.ingest.inspection import Inspection
from tasks.ingest.memory import busy_process
from tasks.ingest.merging import merge
from tasks.progress import LOGGER
from tasks.storage import contents_of, hashes_of, key_of
from tasks.tracks import TRACKS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from schemas.parameters import IngestParameters
    from schemas.references import Source
    from schemas.reports import LastCorpus
    from tasks.storage import Storage


@busy_process()
def ingest_incrementally(
    sources: Sequence[Source],
    parameters: IngestParameters,
    folder: Path,
    storage: Storage,
    progress: Callable[[int, int | None], None] = lambda _done, _of: None,
    *,
    last: LastCorpus | None = None,
    force: bool = False,
) -> dict[str, str]:
    """Ingest a corpus as `corpus.ingest_corpus` does, to the same bytes.

    Parameters
    ----------
    sources : sequence of Source
    parameters : IngestParameters
    folder : Path
    storage : Storage
        Where what was found of sources is kept, as output of the step ``sift``.
    progress : callable
    last : LastCorpus, optional
    force : bool
        Read every source again, and fold all of them.

    Returns
    -------
    dict of str to str
        Hashes of files that are on the disk already, by path: those that are shared with what was there before, and
        the changes.

    Raises
    ------
    CorpusChanging, CorpusRejected
        As `corpus.ingest_corpus`.
    CorruptStep
        If what was found of a source is damaged, which the next run finds out too, and reads that source again.
    """
    believed = "" if parameters.repeats == "recording" else TRACKS  # what is written anew would pass on what is wrong
    with Inspection() as inspection:
        sifted, references, before = [], [], 0
        read: list[int] = []
        for source in sources:
            counted = before

            def build(home: Path, source: Source = source, counted: int = counted) -> Mapping[str, str]:
                def told(done: int, of: int | None) -> None:
                    progress(counted + done, counted + of if of and len(sources) == 1 else None)

                found = sifting.sift(source, parameters, home, inspection, told)
                read.append(found.report.rows_in)
                return found.hashes

            key = key_of("sift", [source.sha256], sifting.key_parameters(parameters))
            references.append(storage.run("sift", key, build, force=force, believed=believed))
            sifted.append(Sifted(source, storage.root / "sift" / key))
            before += sifted[-1].report.rows_in
        base = None if force or parameters.repeats != "drop" else _base(sources, parameters, storage)
        try:
            _, written = merge(sifted, parameters, folder, inspection, last, base, sum(read))
        except Exception:
            for reference in references:  # it may have been a partition that nobody had read for long
                storage.open(reference)
            raise
    return {} if parameters.repeats == "recording" else _shared(sifted) | written


def _base(sources: Sequence[Source], parameters: IngestParameters, storage: Storage) -> Path | None:
    """Return what was made of the most of these sources, and of no others, in the same way."""
    wanted = {source.sha256 for source in sources}
    best, most = None, 0
    for folder in storage.finished("ingest"):
        try:
            state = json.loads((folder / FOLDED).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        there = set(state["sources"])
        if most < len(there) and there < wanted and state["how"] == foldable(parameters) and _is_whole(folder):
            best, most = folder, len(there)
    if best:
        LOGGER.info("%-7s %d of %d sources have been folded before", "ingest", most, len(wanted))
    return best


def _is_whole(folder: Path) -> bool:
    """Say whether what a merge goes on from is as it was written."""
    contents = contents_of(folder)
    needed = [name for name in contents if name == FOLDED or name.startswith(f"{CHANGES}/")]
    if not all((folder / name).is_file() for name in needed):
        return False
    return hashes_of(folder, needed) == [contents[name] for name in needed]


def _shared(sifted: Sequence[Sifted]) -> dict[str, str]:
    """Return the hashes that the partitions should have: who opens the result holds them against those."""
    hashes: dict[str, str] = {}
    for one in sifted:
        contents = contents_of(one.folder)
        for part in one.parts:
            hashes[f"{TRACKS}/part-{len(hashes):05}.parquet"] = contents[f"{TRACKS}/{part.name}"]
    return hashes
