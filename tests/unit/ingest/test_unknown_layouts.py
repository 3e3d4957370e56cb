"""Corpora of no known layout, as strangers write them."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import CorpusRejected
from schemas.synonyms import SYNONYMS, duration_factor, rank, squashed
from schemas.tracks import COLUMNS
from tasks.ingest.coercion import coerce
from tasks.ingest.evidence import SAMPLE_ROWS
from tasks.ingest.recognition import recognise

if TYPE_CHECKING:
    from collections.abc import Mapping

ID = "6rqhFgbbKwnb9MLmUQDhG"


@dataclass(frozen=True)
class Read:
    """What became of a corpus: its first row, all of its rows, what could not be read, and why."""

    rows: list[dict[str, Any]]
    unreadable: int
    why: str

    @property
    def first(self) -> dict[str, Any]:
        """The first row."""
        return self.rows[0]


def read(text: str, delimiter: str = ",", columns: Mapping[str, str] | None = None, *, sampled: bool = True) -> Read:
    """Read a small corpus as the ingest would; `text` has a header."""
    names, *rows = csv.reader(io.StringIO(text), delimiter=delimiter)
    table = pa.table({str(at): [row[at] for row in rows] for at in range(len(names))})
    recognised = recognise("x.csv", names, table if sampled else None, columns)
    values, unreadable = coerce("x.csv", table, recognised)
    broken = sum(cell for column in unreadable.columns for cell in column.to_pylist())
    return Read(values.to_pylist(), broken, recognised.why)


def refusal(text: str, **given: Any) -> str:
    with pytest.raises(CorpusRejected) as caught:
        read(text, **given)
    assert "\n" not in str(caught.value)
    return str(caught.value)


TOP_TENS = """,title,artist,top genre,year,bpm,nrgy,dnce,dB,live,val,dur,acous,spch,pop
1,"Hey, Soul Sister",Train,neo mellow,2010,97,89,67,-4,8,80,217,19,4,83
2,Love The Way You Lie,Eminem,detroit hip hop,2010,87,93,75,-5,52,64,263,24,23,82
3,TiK ToK,Kesha,dance pop,2010,120,84,76,-3,29,71,200,10,14,80
"""
DOTTED = """Unnamed: 0,Track.Name,Artist.Name,Genre,Beats.Per.Minute,Energy,Loudness..dB..,Valence.,Length.,Popularity
1,China,Anuel AA,reggaeton flow,105,81,-4,79,302,92
2,boyfriend,Ariana Grande,dance pop,190,80,-4,70,186,85
"""
TOP_2000 = """Index,Title,Artist,Top Genre,Year,Beats Per Minute (BPM),Energy,Length (Duration),Popularity
1,Sunrise,Norah Jones,adult standards,2004,157,30,201,71
2,Close to the Edge,Yes,album rock,1972,145,37,"1,121",39
"""
EXPORTED = f"""Track URI,Track Name,Artist Name(s),Release Date,Track Duration (ms),Explicit,Popularity,Genres,Metre
spotify:track:{ID}0,A,"Ann,Bob",2019-01-02,200000,true,50,"pop,rock",4
spotify:track:{ID}1,B,"Tyler, The Creator,Ann",2019,200001,false,51,pop,4
spotify:track:{ID}2,C,Bob,2019-03,200002,false,52,"rock,jazz",3
"""
NESTED_NAMES = f"""added_at,track.id,track.name,track.artists,track.popularity,track.album.name,audio_features.energy
2020-01-01,{ID}0,A,"['Ann', ""Guns N' Roses""]",5,Al,0.5
"""
GERMAN = """Titel;Interpret;Popularity;Tempo;Loudness;Length;Key;Mode;isExplicit
Eins;Ann;50,0;120,5;-5,3;3:45;C\u266f/D\u266d;Minor;Yes
Zwei;Tyler, The Creator;60,5;99,25;-7,25;4:05;Bb;Major;No
"""
CAMEL = """songName,artistName,popularityScore,durationMs,timeSignature,isExplicit,albumName
A,Ann,7,200000,3/4,E,Al
"""
ADDRESSES = f"""url,song,singer,Spotify Popularity,runtime,danceability %,genre
https://open.spotify.com/track/{ID}0?si=1,A,Ann,7,3.5,55,rock|pop
https://open.spotify.com/track/{ID}1,B,Bob,8,4.5,0,rock
"""
MINUTES = """#,Song Title,Performer,track_popularity,duration_min,loudness.dB,acousticness_pct,Release Year
1,A,Ann,7,3.5,-5,55,1999
2,B,Ann,8,4,-6,0,2000.0
"""
AMERICAN = """Song,Artist(s),Popularity,Released,Duration (s)
A,Ann;Bob,1,12/25/2019,200
B,Cy,2,1/2/2019,201
"""
PLAIN = """artist,title,popularity,danceability,genre
Ann,A,50,0.5,pop
Ann,B,51,0.6,pop
"""

CORPORA: dict[str, tuple[str, str, dict[str, Any]]] = {
    "top tens, in percent and seconds": (
        TOP_TENS,
        ",",
        {"artists": ["Train"], "track_name": "Hey, Soul Sister", "popularity": 83, "energy": 0.89, "loudness": -4}
        | {"duration_ms": 217_000, "genres": ["neo mellow"], "release_date": "2010", "tempo": 97, "liveness": 0.08},
    ),
    "dots for signs": (
        DOTTED,
        ",",
        {
            "artists": ["Anuel AA"],
            "energy": 0.81,
            "valence": 0.79,
            "loudness": -4,
            "duration_ms": 302_000,
            "tempo": 105,
        },
    ),
    "units in brackets": (TOP_2000, ",", {"duration_ms": 201_000, "energy": 0.3, "popularity": 71, "tempo": 157}),
    "an exported playlist": (
        EXPORTED,
        ",",
        {"track_id": f"{ID}0", "artists": ["Ann", "Bob"], "genres": ["pop", "rock"], "duration_ms": 200_000}
        | {"explicit": True, "release_date": "2019-01-02", "time_signature": 4},
    ),
    "names of nested fields": (
        NESTED_NAMES,
        ",",
        {"track_id": f"{ID}0", "artists": ["Ann", "Guns N' Roses"], "popularity": 5, "album_name": "Al", "energy": 0.5},
    ),
    "decimal commas": (
        GERMAN,
        ";",
        {"track_name": "Eins", "artists": ["Ann"], "popularity": 50, "tempo": 120.5, "loudness": -5.3, "key": 1}
        | {"mode": 0, "duration_ms": 225_000, "explicit": True},
    ),
    "camel case": (
        CAMEL,
        ",",
        {"track_name": "A", "artists": ["Ann"], "popularity": 7, "duration_ms": 200_000, "time_signature": 3}
        | {"explicit": True, "album_name": "Al"},
    ),
    "addresses": (
        ADDRESSES,
        ",",
        {"track_id": f"{ID}0", "artists": ["Ann"], "popularity": 7, "duration_ms": 210_000, "danceability": 0.55}
        | {"genres": ["rock", "pop"]},
    ),
    "units in names": (
        MINUTES,
        ",",
        {"artists": ["Ann"], "popularity": 7, "duration_ms": 210_000, "loudness": -5, "acousticness": 0.55}
        | {"release_date": "1999"},
    ),
    "the month first": (
        AMERICAN,
        ",",
        {"artists": ["Ann", "Bob"], "release_date": "2019-12-25", "duration_ms": 200_000},
    ),
    "shares, although the book's corpus with these columns is in percent": (PLAIN, ",", {"danceability": 0.5}),
}


@pytest.mark.parametrize(("text", "delimiter", "expected"), CORPORA.values(), ids=CORPORA)
def test_odd_corpora_are_read(text: str, delimiter: str, expected: dict[str, Any]) -> None:
    done = read(text, delimiter)
    for name, value in expected.items():
        assert done.first[name] == (pytest.approx(value) if isinstance(value, float) else value), name
    assert done.unreadable == 0
    assert len(done.rows) == text.count("\n") - 1


def test_what_was_decided_is_said() -> None:
    assert read(TOP_TENS).why == (
        "it has no known layout, so its columns were told by their names; "
        "track_name is title, artists is artist, popularity is pop, genres is top genre, release_date is year, "
        "danceability is dnce, energy is nrgy, loudness is dB, speechiness is spch, acousticness is acous, "
        "liveness is live, valence is val, tempo is bpm, duration_ms is dur; "
        "danceability, energy, speechiness and 3 more are in percent; dur is in seconds, by its values; "
        "a credit that is no list is one artist"
    )
    assert "credits are joined by ','; genres are joined by ','" in read(EXPORTED).why
    assert "dates have the month first" in read(AMERICAN).why
    assert "numbers have a decimal comma" in read(GERMAN, ";").why


def test_commas_in_names_join_nobody() -> None:
    several = 'song,artists,popularity\nA,"Tyler, The Creator",1\nB,"Earth, Wind & Fire",2\nC,"Who, Else",3\n'
    assert [row["artists"] for row in read(several).rows] == [
        ["Tyler, The Creator"],
        ["Earth, Wind & Fire"],
        ["Who, Else"],
    ]
    # Under a name in the singular not even company elsewhere makes several of one.
    one = 'song,artist,popularity\nA,"Ann, Bob",1\nB,Ann,2\nC,Bob,3\nD,"Bob, Ann",3\n'
    assert [row["artists"] for row in read(one).rows] == [["Ann, Bob"], ["Ann"], ["Bob"], ["Bob, Ann"]]


def test_ids_that_are_none_are_left_alone() -> None:
    done = read(f"id,uri,song,artist,popularity\n1,spotify:track:{ID}0,A,Ann,5\n2,spotify:track:{ID}1,B,Ann,5\n")
    assert [row["track_id"] for row in done.rows] == [f"{ID}0", f"{ID}1"]
    assert "track_id" not in read("id,song,artist,popularity\n1,A,Ann,5\n").first


def test_a_length_without_a_unit_is_left_out() -> None:
    done = read("song,artist,popularity,length\nA,Ann,5,7000\nB,Ann,5,6000\n")
    assert "duration_ms" not in done.first
    assert "length is left out, since its values do not tell its unit" in done.why


def test_a_few_bad_cells_do_not_change_the_unit() -> None:
    rows = "".join(f"s{at},Ann,5,0.{at:02},{77 if at < 9 else 0.5}\n" for at in range(1, 40))
    done = read("song,artist,popularity,energy,valence\n" + rows)
    assert "percent" not in done.why
    assert done.first["energy"] == 0.01


def test_a_share_among_percentages_stays_one() -> None:
    rows = "".join(f"s{at},Ann,5,{at},0.{at:02}\n" for at in range(1, 40))
    done = read("song,artist,popularity,energy,valence\n" + rows)
    assert (done.first["energy"], done.first["valence"]) == (0.01, 0.01)
    assert "energy is in percent" in done.why


def test_only_the_first_rows_decide() -> None:
    def table(count: int) -> pa.Table:
        energy = ["0.5"] * SAMPLE_ROWS + ["50"] * count
        return pa.table({"0": ["Ann"] * len(energy), "1": ["5"] * len(energy), "2": ["s"] * len(energy), "3": energy})

    names = ["artist", "popularity", "song", "energy"]
    assert recognise("x", names, table(0)) == recognise("x", names, table(100_000))


def test_columns_that_the_user_names_go_before_all_else() -> None:
    text = "artist,song,popularity,score,listeners\nAnn,A,1,60,5\n"
    assert read(text).first["popularity"] == 1
    done = read(text, columns={"popularity": "score"})
    assert done.first["popularity"] == 60
    assert "popularity is score, as asked" in done.why
    assert read(text, columns={"popularity": " SCORE"}).first["popularity"] == 60


def test_of_a_public_layout_a_column_may_be_named_too() -> None:
    text = "artists,popularity,track_genre,chart points\nAnn,1,pop,60\n"
    done = read(text, columns={"popularity": "chart points"})
    assert (done.first["popularity"], done.first["genres"]) == (60, ["pop"])


def test_a_column_named_for_one_thing_is_not_read_for_another_too() -> None:
    done = read("artists,popularity,track_genre,energy\nAnn,1,pop,0.5\n", columns={"valence": "energy"})
    assert done.first["valence"] == 0.5
    assert "energy" not in done.first


def test_what_a_layout_says_of_its_own_column_does_not_hold_for_one_named_instead() -> None:
    header = "artist,title,popularity,album_release_date,subgenre,energy,e2,duration_ms,dur_min\n"
    done = read(header + "Ann,A,50,2019,pop,60,0.5,200000,4\n" * 2, columns={"energy": "e2", "duration_ms": "dur_min"})
    assert (done.first["energy"], done.first["duration_ms"]) == (0.5, 240_000)


def test_popularity_between_0_and_1_is_a_share() -> None:
    rows = "".join(f"Ann,s{at},0.{at:02}\n" for at in range(1, 40))
    done = read("artist,song,popularity\n" + rows)
    assert done.first["popularity"] == pytest.approx(1)
    assert "popularity is a share of 1, by its values, and taken times 100" in done.why
    assert read("artist,song,popularity\nAnn,A,0\nAnn,B,1\n").rows[1]["popularity"] == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("artist,song,streams\nAnn,A,5\n", "no column for popularity: say which it is with --column popularity=NAME"),
        (
            "artist,song,popularity\nAnn,A,high\nBob,B,low\n",
            "that could be read: popularity mostly holds no numbers, but texts such as high; mend it, or name another",
        ),
        ("song,popularity\nA,5\n", "no column for artists: say which it is with --column artists=NAME"),
        ("artist,song,popularty\nAnn,A,5\n", "say which it is with --column popularity=popularty"),
        ("a,b\n1,2\n", "no column for artists and popularity"),
        ("id,followers,genres,name,popularity\n1,10,[],Ann,5\n", "a table of artists, not of tracks"),
        ("artist_name,artist_popularity,followers\nAnn,5,6\n", "a table of artists, not of tracks"),
        ("Artist,Popularity\n" + "".join(f"A{at},5\n" for at in range(60)), "a table of artists, not of tracks"),
        ("playlist_name,num_tracks,popularity\nA,5,4\n", "a table of playlists, not of tracks"),
        ("album,artist,popularity,total_tracks\nA,Ann,5,4\n", "a table of albums, not of tracks"),
        (
            "artist,song,track_popularity,popularity\nAnn,A,5,6\n",
            "2 columns that could be popularity, track_popularity and popularity: say which with --column",
        ),
        ("artist,song,popularity,popularity\nAnn,A,5,6\n", "2 columns named popularity that differ (columns 3 and 4)"),
        ("artist,song,Artist,popularity\nAnn,A,Bob,6\n", "2 columns named artist that differ (columns 1 and 3)"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(text: str, said: str) -> None:
    assert said in refusal(text)


def test_columns_of_one_name_that_hold_the_same_are_one() -> None:
    assert read("artist,song,popularity,Popularity\nAnn,A,5,5\n").first["popularity"] == 5


def test_a_column_that_is_not_there_is_refused_with_what_is_near() -> None:
    text = "artist,song,popularity,score\nAnn,A,5,6\n"
    said = refusal(text, columns={"popularity": "scores"})
    assert said == "x.csv has no column scores for popularity: did you mean score?"
    assert "its columns are artist, song, popularity, score" in refusal(text, columns={"popularity": "xyz"})


def test_nested_columns_are_refused_by_name() -> None:
    table = pa.table({"0": [{"name": "A", "popularity": 5}], "1": ["2020"]})
    with pytest.raises(CorpusRejected, match=r"no column for artists and popularity .* and track holds columns inside"):
        recognise("x.jsonl", ["track", "added_at"], table)


def test_a_sample_may_have_types() -> None:
    columns = {
        "0": pa.array(["Ann", "Ann;Bob"]).dictionary_encode(),
        "1": pa.array([5, 6], pa.int8()),
        "2": pa.array(["x", "y"], pa.large_string()),
        "3": pa.array([55.0, 60.0]),
        "4": pa.array([True, None]),
        "5": pa.array([5, 6]),
    }
    recognised = recognise("x", ["artist", "popularity", "song", "energy", "explicit", "Popularity"], pa.table(columns))
    values, _ = coerce("x", pa.table(columns), recognised)
    assert values.to_pylist()[1] == {"track_name": "y", "artists": ["Ann", "Bob"], "popularity": 6} | {
        "explicit": None,
        "energy": pytest.approx(0.6),
    }


def test_credits_as_the_web_api_gives_them() -> None:
    cells = [[{"name": "Ann", "id": "1"}, {"name": "Bob", "id": "2"}], [], None]
    table = pa.table({"0": cells, "1": [1, 2, 3], "2": ["x", "y", "z"]})
    recognised = recognise("x.jsonl", ["artists", "popularity", "name"], table)
    values, _ = coerce("x.jsonl", table, recognised)
    assert values["artists"].to_pylist() == [["Ann", "Bob"], None, None]


def test_every_column_has_synonyms_and_none_has_two_meanings() -> None:
    assert set(SYNONYMS) == {column.name for column in COLUMNS}
    seen: dict[str, str] = {}
    for canonical, groups in SYNONYMS.items():
        for name in [name for group in groups for name in group]:
            assert squashed(name) == name
            assert seen.setdefault(name, canonical) == canonical
            assert rank(canonical, name) is not None


@pytest.mark.parametrize(
    ("name", "factor"),
    [
        ("duration_ms", 1),
        ("Track Duration (ms)", 1),
        ("DurationMs", 1),
        ("duration (s)", 1000),
        ("durationS", 1000),
        ("durations", None),
        ("length_sec", 1000),
        ("duration_min", 60_000),
        ("Duration in Minutes", 60_000),
        ("length", None),
        ("Length (Duration)", None),
        ("dur", None),
    ],
)
def test_units_of_lengths_in_names(name: str, factor: float | None) -> None:
    assert rank("duration_ms", name) is not None
    assert duration_factor(name) == factor


ANY_NAME = st.one_of(
    st.text(max_size=8),
    st.sampled_from([name for groups in SYNONYMS.values() for group in groups for name in group]),
    st.sampled_from(
        ["Artist(s)", "track.popularity", "followers", "playlist_name", "dB", "%", "=", "\x1b[31m", "../../x"]
    ),
)
ANY_CELL = st.one_of(
    st.text(max_size=6),
    st.sampled_from(
        ["", "NA", "['a', 'b']", "['a", "[[[[", "3:45", "1,5", "1,500", "55%", "1e999", "C#", "4-Apr", "a;b"]
    ),
    st.sampled_from(
        ["01-13-2020", "31/02/2020", "0000", "9999999999999999999999", "=1+1", "\0", r"['\ud83d']", "a, b"]
    ),
)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_whatever_the_columns_and_cells_it_is_a_table_or_a_refusal(data: st.DataObject) -> None:
    names = data.draw(st.lists(ANY_NAME, max_size=8)) + data.draw(
        st.sampled_from([[], ["artist", "popularity", "song"]])
    )
    count = data.draw(st.integers(0, 5))
    cells = st.lists(ANY_CELL, min_size=count, max_size=count)
    table = pa.table({str(at): pa.array(data.draw(cells), pa.string()) for at in range(len(names))})
    try:
        recognised = recognise("x.csv", names, table)
    except CorpusRejected:
        return
    values, unreadable = coerce("x.csv", table, recognised)
    assert values.num_rows == unreadable.num_rows == table.num_rows
    assert {"artists", "popularity"} <= set(values.column_names)
    assert len(set(recognised.positions.values())) == len(recognised.positions)


TYPICAL = {
    "track_id": [f"{ID}{at}" for at in range(4)],
    "track_name": ["A", "B", "C", "D"],
    "artists": ["Ann", "Tyler, The Creator", "Ann", "Bob"],
    "popularity": ["1", "50", "99", "0"],
    "genres": ["pop", "rock", "pop", ""],
    "release_date": ["2019", "2019-02", "2019-02-03", ""],
    "explicit": ["True", "no", "1", ""],
    "key": ["0", "C#", "Bb", "-1"],
    "mode": ["1", "Minor", "0", ""],
    "energy": ["0.1", "0.5", "1", "0"],
    "tempo": ["120", "99.5", "0", "88"],
    "duration_ms": ["200000", "180000", "240000", "1000"],
}
# Names that say what a column is whatever stands in it, and its unit.
NAMES = {
    name: [one for one in SYNONYMS[name][0] if name != "duration_ms" or one.endswith(("ms", "millis"))]
    for name in TYPICAL
}


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_shuffled_and_renamed_columns_give_the_same_rows(data: st.DataObject) -> None:
    expected = read(_as_csv(TYPICAL)).rows
    renamed = {_written(data, name): cells for name, cells in TYPICAL.items()}
    assert len(renamed) == len(TYPICAL)
    further = {"": ["1", "2", "3", "4"], "Unnamed: 0": ["x"] * 4, "comment": ["?"] * 4}
    shuffled = data.draw(st.permutations([*renamed.items(), *further.items()]))
    done = read(_as_csv(dict(shuffled)))
    assert done.rows == expected
    assert done.unreadable == 0


def _written(data: st.DataObject, canonical: str) -> str:
    """Return a synonym as somebody may have written it."""
    name = data.draw(st.sampled_from(NAMES[canonical]))
    at = data.draw(st.integers(1, len(name)))
    sign = data.draw(st.sampled_from(["", " ", ".", "_", "-"]))
    name = name[:at] + (sign + name[at:] if at < len(name) else "")
    # Not before lengths, where a letter more may be a unit.
    prefix = "" if canonical == "duration_ms" else data.draw(st.sampled_from(["", "track.", "Spotify "]))
    return prefix + data.draw(st.sampled_from([str, str.upper, str.title]))(name)


def _as_csv(columns: Mapping[str, list[str]]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return buffer.getvalue()
