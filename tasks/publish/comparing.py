"""What is different between two versions: who moved, by how much of what was known of them, who came and who went."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemas.publication import ARTISTS
from tasks.publish.parquet import read_table
from tasks.published import published_file

if TYPE_CHECKING:
    import pyarrow as pa

    from schemas.publication import Manifest
    from tasks.stores import Store

_NUMBERS = ("rank", "tracks", "mean", "sd")


@dataclass(frozen=True)
class Scale:
    """A global parameter in two versions.

    Parameters
    ----------
    name : str
        Such as ``mu``, ``sigma`` or ``tau``.
    before, after : float, optional
        Posterior means, in points; None where the version has no such parameter.
    sds : float, optional
        Their difference in posterior sds of the first.
    """

    name: str
    before: float | None
    after: float | None
    sds: float | None


@dataclass(frozen=True)
class Difference:
    """What is different from one version to another.

    Parameters
    ----------
    before, after : Manifest
    artists : pyarrow.Table
        A row an artist of either: ``artist``; ``status``, which is ``stayed``, ``came`` or ``went``; ``rank_before``,
        ``rank_after``, and so on with ``tracks``, ``mean`` and ``sd``; ``change`` of the mean, in points; ``sds``, the
        change in posterior sds of the first version. Those who moved by most sds first, then who came, then who went,
        each by rank.
    scales : tuple of Scale
    """

    before: Manifest
    after: Manifest
    artists: pa.Table
    scales: tuple[Scale, ...]

    def of(self, status: str) -> pa.Table:
        """Return the rows with a status."""
        import pyarrow.compute as pc

        return self.artists.filter(pc.equal(self.artists["status"], status))

    def within(self, sds: float) -> int:
        """Return how many artists of both moved by at most some posterior sds."""
        import pyarrow.compute as pc

        return pc.sum(pc.less_equal(pc.abs(self.of("stayed")["sds"]), sds), min_count=0).as_py() or 0


def difference(store: Store, name: str, before: str, after: str) -> Difference:
    """Compare two versions of a publication.

    Parameters
    ----------
    store : Store
    name : str
    before, after : str
        Versions.

    Raises
    ------
    PublicationConflict
        If one of them is not there or damaged.
    """
    one, other = store.manifest(name, before), store.manifest(name, after)
    artists = _artists(_table(store, name, one), _table(store, name, other))
    return Difference(one, other, artists, _scales(one, other))


def _table(store: Store, name: str, manifest: Manifest) -> pa.Table:
    folder = store.folder(name, manifest.version, [ARTISTS])
    return read_table(published_file(folder, manifest, ARTISTS), ["artist", *_NUMBERS])


def _artists(before: pa.Table, after: pa.Table) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    before, after = before.combine_chunks(), after.combine_chunks()
    at = pc.index_in(after["artist"], value_set=before["artist"].combine_chunks())
    went = before.filter(pc.invert(pc.is_in(before["artist"], value_set=after["artist"].combine_chunks())))
    there = {f"{name}_before": before[name].take(at) for name in _NUMBERS}
    both = pa.table({"artist": after["artist"], **there, **{f"{name}_after": after[name] for name in _NUMBERS}})
    change = pc.subtract(both["mean_after"], both["mean_before"])
    known = pc.greater(both["sd_before"], 0.0)
    sds = pc.if_else(known, pc.divide(change, pc.if_else(known, both["sd_before"], 1.0)), pa.scalar(None, pa.float64()))
    status = pc.if_else(pc.is_valid(both["rank_before"]), "stayed", "came")
    both = both.append_column("change", change).append_column("sds", sds).append_column("status", status)
    both = both.append_column("_size", pc.fill_null(pc.negate(pc.abs(sds)), 0.0))
    stayed = both.filter(pc.equal(status, "stayed")).sort_by([("_size", "ascending"), ("rank_after", "ascending")])
    came = both.filter(pc.equal(status, "came")).sort_by([("rank_after", "ascending")])
    gone = pa.table(
        {
            "artist": went["artist"],
            **{f"{name}_before": went[name] for name in _NUMBERS},
            "status": pa.array(["went"] * went.num_rows, pa.string()),
        }
    ).sort_by([("rank_before", "ascending")])
    joined = pa.concat_tables([stayed, came, gone], promote_options="default")
    order = [f"{name}_{when}" for name in _NUMBERS for when in ("before", "after")]
    return joined.select(["artist", "status", *order, "change", "sds"]).combine_chunks()


def _scales(before: Manifest, after: Manifest) -> tuple[Scale, ...]:
    found = []
    for name in dict.fromkeys([*before.scales, *after.scales]):
        one, other = before.scales.get(name), after.scales.get(name)
        sds = (other["mean"] - one["mean"]) / one["sd"] if one and other and one["sd"] > 0 else None
        found.append(Scale(name, one["mean"] if one else None, other["mean"] if other else None, sds))
    return tuple(found)
