"""Names under which corpora of no known layout keep the canonical columns.

A name is compared without case, spaces and signs, and with `PREFIXES` taken off its front: ``Track.Popularity``,
``track_popularity`` and ``popularity`` are one name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIXES: tuple[str, ...] = (
    *("audiofeatures", "audiofeature", "features", "feature", "spotify", "tracks", "track", "songs", "song"),
    *("items", "item", "audio", "music"),
)

# Canonical column to groups of names. An earlier group goes before a later one; two columns of one group are a tie.
SYNONYMS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "track_id": (
        ("trackid", "spotifyid", "spotifytrackid", "songid"),
        ("id",),
        ("uri", "trackuri", "spotifyuri", "songuri"),
        ("url", "href", "link", "externalurl", "externalurlsspotify"),
    ),
    "track_name": (
        ("trackname", "songname", "tracktitle", "songtitle"),
        ("name", "title", "titel", "titre", "titulo"),
        ("track", "song"),
    ),
    "artists": (
        ("artists", "artistsname", "artistsnames", "artistnames", "performers"),
        ("artist", "artistname", "mainartist", "primaryartist", "leadartist"),
        ("performer", "performedby", "band", "singer", "musician", "by", "artista", "artiste", "interpret"),
    ),
    "album_name": (("albumname", "albumtitle"), ("album", "record", "albumtitre")),
    "popularity": (
        ("popularity", "popularityscore", "popularityindex", "popularityrating"),
        ("pop", "popscore", "popularidad", "popularite", "popularidade", "popularität", "popularitaet"),
    ),
    "genres": (
        ("genres", "playlistgenre", "topgenre", "maingenre", "primarygenre", "genrename"),
        ("genre", "artistgenres", "artistgenre", "albumgenres", "albumgenre"),
        ("style", "category"),
    ),
    "subgenres": (("subgenres", "subgenre", "playlistsubgenre", "genresub"),),
    "release_date": (
        ("releasedate", "albumreleasedate", "datereleased", "released", "dateofrelease"),
        ("year", "releaseyear", "releasedyear", "yearreleased", "yearofrelease", "albumyear", "albumreleaseyear"),
    ),
    "explicit": (("explicit", "isexplicit", "explicitlyrics", "explicitcontent", "explicittrack", "explicitflag"),),
    "key": (("key", "keysignature", "pitchclass", "musicalkey", "keyname"),),
    "mode": (("mode", "modality", "scale", "keymode", "majorminor"),),
    "time_signature": (("timesignature", "timesig", "meter", "metre", "beatsperbar"),),
    "danceability": (("danceability",), ("dance", "dnce", "dancability", "danceable")),
    "energy": (("energy",), ("nrgy", "intensity", "energie")),
    "loudness": (("loudness", "loudnessdb", "loudnessindb"), ("db", "volume", "lufs")),
    "speechiness": (("speechiness",), ("spch", "speech")),
    "acousticness": (("acousticness",), ("acous", "acoustic", "acousticity")),
    "instrumentalness": (("instrumentalness",), ("instrumental", "instr", "instrumentality")),
    "liveness": (("liveness",), ("live",)),
    "valence": (("valence",), ("val", "positivity", "positiveness", "happiness")),
    "tempo": (("tempo", "tempobpm", "bpm", "beatsperminute", "beatsperminutebpm"),),
    "duration_ms": (
        ("durationms", "durationinms", "durationmilliseconds", "durationmillis", "lengthms", "timems"),
        ("durations", "durationsec", "durationsecs", "durationseconds", "durationinseconds", "durationins"),
        (
            "lengths",
            "lengthsec",
            "lengthseconds",
            "durationmin",
            "durationmins",
            "durationminutes",
            "durationinminutes",
            "durationinmin",
            "durationinsec",
            "lengthmin",
        ),
        ("duration", "length", "lengthduration", "dur", "runtime", "playtime", "durationmmss", "durationhms"),
    ),
}

# What a name says about its unit: the factor to milliseconds.
DURATIONS: Mapping[str, float] = {
    "ms": 1,
    "millis": 1,
    "milliseconds": 1,
    "s": 1000,
    "sec": 1000,
    "secs": 1000,
    "seconds": 1000,
    "min": 60_000,
    "mins": 60_000,
    "minutes": 60_000,
}

# Columns of tables that are not about tracks.
ARTIST_MARKS = frozenset({"followers", "followerstotal", "totalfollowers", "numfollowers", "artistfollowers"}) | {
    "artistpopularity",
    "monthlylisteners",
    "artistgenres",
}
PLAYLIST_MARKS = frozenset(
    {"collaborative", "numtracks", "numfollowers", "tracksincluded", "trackscount", "numalbums"}
) | {
    "playlistid",
    "playlistname",
    "owner",
    "ownerid",
}
ALBUM_MARKS = frozenset({"totaltracks", "albumtype", "tracknumbers", "upc"})


def squashed(name: str) -> str:
    """Return a column's name in small letters and digits alone; ``%`` is a word, ``pct``."""
    return re.sub(r"[\W_]+", "", name.replace("%", "pct").casefold())


def forms(name: str) -> tuple[str, ...]:
    """Return what a column's name may be looked up as: squashed, and without what says only track or percent."""
    found = [squashed(name)]
    found.append(re.sub(r"(?<=.)(pct|percent|percentage)$", "", found[0]))
    for one in found:  # grows as it goes: what one prefix leaves may begin with another
        found += [one.removeprefix(prefix) for prefix in PREFIXES if one.startswith(prefix) and one != prefix]
    return tuple(dict.fromkeys(found))


def rank(canonical: str, name: str) -> int | None:
    """Return the group in which a column's name is a synonym of a canonical one, 0 the first; None if in none."""
    found = forms(name)
    if canonical.replace("_", "") in found[:1]:
        return 0
    return next((at for at, group in enumerate(SYNONYMS[canonical]) if any(one in group for one in found)), None)


def percent(name: str) -> bool:
    """Return whether a column's name says that it is in percent."""
    return bool(re.search(r"(pct|percent|percentage)$", squashed(name)))


def duration_factor(name: str) -> float | None:
    """Return the factor to milliseconds that a column's name speaks of, or None."""
    stem = re.sub(r"^.*(duration|length|runtime|playtime|time|dur)(in)?", "", squashed(name))
    if stem == "s":  # a unit only where it is a word: durations are no seconds
        stem = "s" if re.search(r"([\W_]s|[a-z]S)[\W_]*$", name) else ""
    return DURATIONS.get(stem)
