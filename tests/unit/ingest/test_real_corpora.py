"""Public corpora, of which we know what is in them."""

from __future__ import annotations

import ast
import csv
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from schemas.errors import CorpusRejected
from schemas.tracks import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Ingest = Callable[..., Any]


def test_the_sample(sample: Any, sample_corpus: Path) -> None:
    rows = sample.report.rows
    assert (rows.rows_in, rows.kept, rows.repeats, rows.quarantined) == (6000, 5849, 151, 0)
    assert sample.report.conflicts == 15
    assert sample.report.warnings == ()
    assert sample.report.sources[0].layout == "114k"
    absent = {"subgenres", "release_date"}
    assert sample.report.columns == tuple(column.name for column in COLUMNS if column.name not in absent)
    ids = sample.tracks["track_id"].to_pylist()
    assert len(set(ids)) == len(ids) == 5849
    raw = pq.read_table(sample_corpus)
    assert set(ids) == set(raw["track_id"].to_pylist())
    highest = raw.group_by("track_id").aggregate([("popularity", "max")])
    expected = dict(zip(highest["track_id"].to_pylist(), highest["popularity_max"].to_pylist(), strict=True))
    assert dict(zip(ids, sample.tracks["popularity"].to_pylist(), strict=True)) == expected
    assert sample.report.mean_popularity == np.mean(list(expected.values()))
    several = pc.sum(pc.greater(pc.list_value_length(sample.tracks["artists"]), 1)).as_py()
    assert several > 0.3 * rows.kept


def test_the_sample_takes_no_time_beyond_imports(
    tmp_path: Path, ingest: Ingest, sample: Any, sample_corpus: Path
) -> None:
    start = time.perf_counter()
    again = ingest(tmp_path / "out", sample_corpus)
    assert time.perf_counter() - start < 15  # it takes 1 s; a loaded machine may take several
    assert again.report == sample.report


def test_how_it_is_cut_does_not_matter(tmp_path: Path, ingest: Ingest, sample: Any, sample_corpus: Path) -> None:
    cut = ingest(tmp_path / "out", sample_corpus, partition_rows=1900)
    assert len(list((cut.folder / "tracks").iterdir())) == 4
    assert cut.tracks.equals(sample.tracks)
    assert cut.report == sample.report
    assert cut.quarantine == sample.quarantine


def test_repeats_are_all_there_if_they_are_kept(tmp_path: Path, ingest: Ingest, sample_corpus: Path) -> None:
    rows = ingest(tmp_path / "out", sample_corpus, repeats="keep").report.rows
    assert (rows.kept, rows.repeats) == (6000, 0)


def test_tidytuesday(tmp_path: Path, ingest: Ingest, corpora: Path) -> None:
    done = ingest(tmp_path / "out", corpora / "tidytuesday_spotify_songs.csv", partition_rows=10_000)
    rows = done.report.rows
    # 28,356 ids, of which four belong to rows without name and artist.
    assert (rows.rows_in, rows.kept, rows.repeats, rows.quarantined) == (32_833, 28_352, 4_476, 5)
    assert done.report.reasons == {"artists: missing": 5}
    assert [row["row"] for row in done.quarantine] == [8152, 9283, 9284, 19569, 19812]
    folded = done.tracks.filter(pc.greater(pc.list_value_length(done.tracks["subgenres"]), 1))
    assert folded.num_rows > 1000
    for genres in folded["subgenres"].to_pylist():
        assert genres == sorted(set(genres))
    assert done.tracks["release_date"].null_count == 0


@pytest.mark.parametrize(("repeats", "kept"), [("keep", 350), ("drop", 264)])
def test_bayes_rules(tmp_path: Path, ingest: Ingest, corpora: Path, repeats: str, kept: int) -> None:
    done = ingest(tmp_path / "out", corpora / "bayesrules_spotify.csv", repeats=repeats)
    assert (done.report.rows.kept, done.report.rows.quarantined) == (kept, 0)
    danceability = done.tracks["danceability"].to_numpy()
    assert danceability[0] == pytest.approx(0.747)
    assert 0.3 < danceability.mean() < 0.9
    assert done.tracks["key"].to_pylist()[0] == 10
    assert done.tracks["artists"].to_pylist()[0] == ["Alok"]


def test_114k(tmp_path: Path, ingest: Ingest, corpora: Path) -> None:
    done = ingest(tmp_path / "out", corpora / "spotify114k_sample5k.csv")
    assert (done.report.rows.rows_in, done.report.rows.quarantined) == (5016, 0)
    ids = done.tracks["track_id"].to_pylist()
    assert len(set(ids)) == len(ids) == 4953
    assert ["[Alexandros]"] in done.tracks["artists"].to_pylist()


def test_several_corpora_at_once(tmp_path: Path, ingest: Ingest, sample_corpus: Path, corpora: Path) -> None:
    done = ingest(tmp_path / "out", sample_corpus, corpora / "bayesrules_spotify.csv")
    assert [source.layout for source in done.report.sources] == ["114k", "bayesrules"]
    assert done.report.rows.rows_in == 6350
    assert "subgenres" not in done.report.columns
    assert "explicit" not in done.report.columns
    assert done.report.rows.balanced


def plainly(path: Path, encoding: str = "utf-8-sig") -> list[dict[str, str]]:
    """Return the whole records of a file as Python's csv module reads them."""
    with path.open(encoding=encoding, newline="") as file:
        return [row for row in csv.DictReader(file) if None not in row.values() and None not in row]


def highest(rows: list[dict[str, str]], track_id: str) -> dict[str, float]:
    """Return the highest popularity of each id."""
    found: dict[str, float] = {}
    for row in rows:
        found[row[track_id]] = max(found.get(row[track_id], 0), float(row["popularity"]))
    return found


def test_600k(tmp_path: Path, ingest: Ingest, corpora: Path) -> None:
    path = corpora / "kaggle600k_tracks_head10k.csv"
    plain = plainly(path)
    done = ingest(tmp_path / "out", path)
    rows = done.report.rows
    assert done.report.sources[0].layout == "600k"
    assert (
        (rows.rows_in, rows.kept, rows.repeats, rows.quarantined)
        == (len(plain), len(plain), 0, 0)
        == (10_124,) * 2 + (0, 0)
    )
    assert done.report.mean_popularity == pytest.approx(np.mean([float(row["popularity"]) for row in plain]))
    assert done.tracks["artists"].to_pylist() == [
        list(dict.fromkeys(name.strip() for name in ast.literal_eval(row["artists"]))) for row in plain
    ]
    assert {"King Oliver's Creole Jazz Band", 'Bertha "Chippie" Hill'} <= set(
        pc.list_flatten(done.tracks["artists"]).to_pylist()
    )
    # The spreadsheet wrote days first: the second part is never above 12.
    written = ["-".join(reversed(row["release_date"].split("-"))) for row in plain]
    assert done.tracks["release_date"].to_pylist() == written
    assert sum(done.tracks["explicit"].to_pylist()) == sum(row["explicit"] == "1" for row in plain) == 32


def test_232k(tmp_path: Path, ingest: Ingest, corpora: Path) -> None:
    path = corpora / "SpotifyFeatures_head20k.csv"
    plain = plainly(path)
    done = ingest(tmp_path / "out", path)
    rows = done.report.rows
    best = highest(plain, "track_id")
    assert done.report.sources[0].layout == "232k"
    # The last row is cut in the middle.
    assert (rows.rows_in, rows.kept, rows.quarantined) == (len(plain) + 1, len(best), 1)
    assert [row["row"] for row in done.quarantine] == [len(plain) + 1] == [19_829]
    assert done.report.mean_popularity == pytest.approx(np.mean(list(best.values())))
    keys = {row["track_id"]: row["key"] for row in plain}
    names = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"]
    ids = done.tracks["track_id"].to_pylist()
    assert [names[key] for key in done.tracks["key"].to_pylist()] == [keys[one] for one in ids]
    modes = {row["track_id"]: float(row["mode"] == "Major") for row in plain}
    assert done.tracks["mode"].to_pylist() == [modes[one] for one in ids]
    beats = {"4-Jan": 1, "4-Mar": 3, "4-Apr": 4, "4-May": 5, "0/4": 0}
    metres = {row["track_id"]: beats[row["time_signature"]] for row in plain}
    assert done.tracks["time_signature"].to_pylist() == [metres[one] for one in ids]
    assert {"Hank Williams, Jr.", "Crosby, Stills & Nash"} <= set(pc.list_flatten(done.tracks["artists"]).to_pylist())


@pytest.fixture
def most_streamed(tmp_path: Path, corpora: Path) -> Path:
    """Return the corpus of 2023 as UTF-8."""
    path = tmp_path / "spotify-2023.csv"
    path.write_bytes((corpora / "spotify-2023_original.csv").read_bytes().decode("latin-1").encode())
    return path


def test_most_streamed_2023_has_no_popularity(tmp_path: Path, ingest: Ingest, most_streamed: Path) -> None:
    with pytest.raises(CorpusRejected, match="most-streamed-2023, which has no popularity: it counts streams"):
        ingest(tmp_path / "out", most_streamed)


def test_most_streamed_2023_is_read_if_a_column_is_named(tmp_path: Path, ingest: Ingest, most_streamed: Path) -> None:
    plain = plainly(most_streamed, "utf-8")
    done = ingest(tmp_path / "out", most_streamed, column=("popularity=in_spotify_charts",))
    good = [row for row in plain if float(row["in_spotify_charts"]) <= 100]
    assert (done.report.rows.kept, done.report.rows.quarantined) == (len(good), len(plain) - len(good)) == (946, 7)
    assert done.report.reasons == {"popularity: outside 0..100 points": len(plain) - len(good)}
    assert done.tracks["energy"].to_pylist() == pytest.approx([float(row["energy_%"]) / 100 for row in good])
    assert done.tracks["tempo"].to_pylist() == [float(row["bpm"]) for row in good]
    assert [year or "" for year in done.tracks["release_date"].to_pylist()] == [row["released_year"] for row in good]
    credited = done.tracks["artists"].to_pylist()
    assert ["Tyler, The Creator", "Kali Uchis"] in credited
    # Their own count takes Tyler, The Creator for two, counts an artist again for each mention, a comma at the end as
    # one more, and once one too many.
    differ = [names for names, row in zip(credited, good, strict=True) if len(names) != int(row["artist_count"])]
    assert sum("Tyler, The Creator" in names for names in differ) == 6
    assert sorted(names[-1] for names in differ if "Tyler, The Creator" not in names) == [
        "Abhir Hathi",
        "Kaliii",
        "Lauren Spencer Smith",
        "Wiu",
    ]


def test_a_corpus_without_popularity_says_what_it_has_instead(tmp_path: Path, ingest: Ingest, corpora: Path) -> None:
    # It is not all UTF-8 either, which does not keep it from being recognised.
    with pytest.raises(CorpusRejected, match=r"spotify-2023_original.csv .* has no popularity: it counts streams"):
        ingest(tmp_path / "out", corpora / "spotify-2023_original.csv")


def test_the_sample_as_a_stranger_would_write_it(
    tmp_path: Path, ingest: Ingest, sample: Any, sample_corpus: Path
) -> None:
    keys = ["C", "D\u266d", "D", "Eb", "E", "F", "F#", "G", "A\u266d", "A", "A# minor", "B"]
    path = tmp_path / "odd.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        header = ["Unnamed: 0", "Spotify URI", "Song", "Artist(s)", "Album", "Spotify Popularity", "Style", "Explicit?"]
        header += ["Key", "Modality", "Time.Signature", "Duration (s)", "BPM", "loudness.dB", "Energy %"]
        writer.writerow(header)
        for number, row in enumerate(pq.read_table(sample_corpus).to_pylist()):
            cells = [number, f"spotify:track:{row['track_id']}", row["track_name"], row["artists"].split(";")]
            cells += [row["album_name"], f"{row['popularity']:.1f}", row["track_genre"]]
            cells += [["No", "Yes"][row["explicit"]], keys[row["key"]], ["Minor", "Major"][row["mode"]]]
            cells += [f"{row['time_signature']}/4", repr(row["duration_ms"] / 1000), row["tempo"], row["loudness"]]
            writer.writerow([*cells, 100 * row["energy"]])
    done = ingest(tmp_path / "out", path)
    assert done.report.sources[0].layout == "other"
    assert done.report.rows == sample.report.rows
    assert (done.report.conflicts, done.report.mean_popularity) == (15, sample.report.mean_popularity)
    for name in ("row", "track_id", "track_name", "artists", "album_name", "popularity", "genres", "explicit"):
        assert done.tracks[name].equals(sample.tracks[name]), name
    for name in ("key", "mode", "time_signature", "tempo", "loudness"):
        assert done.tracks[name].equals(sample.tracks[name]), name
    for name in ("energy", "duration_ms"):
        np.testing.assert_allclose(done.tracks[name].to_numpy(), sample.tracks[name].to_numpy(), rtol=1e-12)
