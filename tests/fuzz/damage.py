"""What can be done to a corpus as it is written: dialects, encodings, bytes, packing, names and places of files."""

from __future__ import annotations

import csv
from random import Random
from typing import TYPE_CHECKING

from drafts import TABLE_MUTATIONS, Draft
from seeds import seed_table
from writing import Corpus, write

if TYPE_CHECKING:
    from collections.abc import Callable

    from drafts import Mutation

_TOKENS = (
    b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b"\xff\xfe\0\0", b"\0", b'"', b"\r", b"\n", b"\r\n", b",", b";", b"\t", b"\\", b"\x1a",
    b"\x1b[31m", b"\xc3", b"\xe2\x82", b"\xed\xa0\x80", b"\xf5", b"PAR1", b"PK\x03\x04", b"\x1f\x8b", b"[", b"{", b"]", b"}", b"'",
)  # fmt: skip
_FILE_NAMES = (
    "..", "...", "a b", "=cmd|x", "tracks[1]", "tracks*", "%2e%2e%2f", "~", "$HOME", "-rf", "\u202e", "é", "e\u0301", "new\nline",
    "\x1b[31m", "<b>", "CON", "x" * 200, "`", "a'b\"c", "::", "file:x", "\udcff",
)  # fmt: skip
_WRONG_ENDINGS = (
    "",
    ".csv",
    ".parquet",
    ".jsonl",
    ".json",
    ".gz",
    ".zip",
    ".xlsx",
    ".txt",
    ".CSV",
    ".tsv",
    ".csv.gz",
    ".exe",
)
_CANONICAL = ("popularity", "artists", "track_id", "track_name", "tempo", "genres", "duration_ms", "explicit")


# --- text ---------------------------------------------------------------------------------------------------------


def _separators(draft: Draft, random: Random) -> None:
    draft.form, draft.delimiter = "csv", random.choice(("\t", ";", "|", ":", " ", "\x01", "^"))


def _quoting(draft: Draft, random: Random) -> None:
    draft.form, draft.quoting = "csv", random.choice((csv.QUOTE_ALL, csv.QUOTE_NONE, csv.QUOTE_NONNUMERIC))


def _line_ends(draft: Draft, random: Random) -> None:
    draft.line_end = random.choice(("\r\n", "\r", "\n\n", "\r\r\n"))
    if random.random() < 0.5:
        draft.text.append(_mixed_line_ends)


def _mixed_line_ends(text: str, random: Random) -> str:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "".join(line + random.choice(("\n", "\r\n", "\r")) for line in lines[:-1]) + lines[-1]


def _encodings(draft: Draft, random: Random) -> None:
    draft.encoding = random.choice(
        (
            "utf-8-sig",
            "utf-16",
            "utf-16-le",
            "utf-16-be",
            "utf-32",
            "latin-1",
            "cp1252",
            "cp1251",
            "shift_jis",
            "utf-7",
            "cp037",
        )
    )


def _mark_in_the_middle(draft: Draft, _: Random) -> None:
    def insert(text: str, random: Random) -> str:
        at = random.choice((0, text.find("\n") + 1, random.randint(0, len(text))))
        return text[:at] + random.choice(("\ufeff", "\ufeff\ufeff", "\ufffe", "\ufffd")) + text[at:]

    draft.text.append(insert)


def _preamble(draft: Draft, _: Random) -> None:
    def before(text: str, random: Random) -> str:
        lines = (
            "sep=;\n",
            "sep=,\r\n",
            "# a comment\n",
            "\n\n\n",
            " \n",
            '"\n',
            "Exported by someone, somewhere\n\n",
            "%PDF",
            "<html>",
        )
        return random.choice(lines) + text

    draft.text.append(before)


def _pretty_json(draft: Draft, _: Random) -> None:
    def spread(text: str, random: Random) -> str:
        return text.replace(
            random.choice((", ", ": ", '"', "}", "{")), random.choice(("\n", ",\n ", "", "{{", "}}", "[" * 2_000))
        )

    draft.form = "jsonl" if draft.form != "array" else draft.form
    draft.text.append(spread)


# --- bytes --------------------------------------------------------------------------------------------------------


def _cut(data: bytes, random: Random) -> bytes:
    at = random.randint(0, len(data))
    return random.choice((data[:at], data[:at], data[at:], data[: len(data) - random.randint(0, 20)]))


def _flip(data: bytes, random: Random) -> bytes:
    changed = bytearray(data)
    start = random.choice((0, 0, max(0, len(data) - 64)))  # headers, footers, or anywhere
    end = random.choice((len(data), min(len(data), start + 64)))
    for _ in range(random.choice((1, 1, 4, 64)) if end > start else 0):
        changed[random.randrange(start, end)] = random.choice((random.randrange(256), 0, 255))
    return bytes(changed)


def _insert(data: bytes, random: Random) -> bytes:
    for _ in range(random.choice((1, 1, 10))):
        at = random.choice((0, len(data), random.randint(0, len(data))))
        data = data[:at] + random.choice((*_TOKENS, random.randbytes(random.choice((1, 16, 3000))))) + data[at:]
    return data


def _delete(data: bytes, random: Random) -> bytes:
    for _ in range(random.choice((1, 1, 10))):
        at = random.randint(0, len(data))
        data = data[:at] + data[at + random.choice((1, 2, 100)) :]
    return data


def _shuffle(data: bytes, random: Random) -> bytes:
    one, two, three = sorted(random.randint(0, len(data)) for _ in range(3))
    repeated = data[:two] + data[one:two] * random.choice((1, 3)) + data[two:]
    return random.choice((data[:one] + data[two:three] + data[one:two] + data[three:], repeated))


_DAMAGE: tuple[Callable[[bytes, Random], bytes], ...] = (_cut, _flip, _insert, _delete, _shuffle)


def _damaged(damage: Callable[[bytes, Random], bytes], form: str | None = None) -> Mutation:
    def mutate(draft: Draft, _: Random) -> None:
        draft.form = form or draft.form
        draft.raw.append(damage)

    return mutate


def _empty(draft: Draft, random: Random) -> None:
    content = random.choice(
        (
            b"",
            b"\n",
            b"\0",
            b"\xef\xbb\xbf",
            b"\xff\xfe",
            b" ",
            b"{}",
            b"[]",
            b"PAR1",
            b"PAR1" * 3,
            b'"',
            b",",
            b"\x1f\x8b",
        )
    )
    draft.raw.append(lambda _data, _random: content)


# --- formats, packing, places ---------------------------------------------------------------------------------------


def _formats(draft: Draft, random: Random) -> None:
    draft.form = random.choice(("jsonl", "array", "parquet", "parquet"))


def _packing(draft: Draft, random: Random) -> None:
    draft.pack = random.choice(("gzip", "zstd", "bz2", "xz", "zip", "zip"))


def _damaged_packing(draft: Draft, random: Random) -> None:
    _packing(draft, random)
    draft.packed.append(random.choice(_DAMAGE))


def _packed_twice(draft: Draft, random: Random) -> None:
    import gzip

    _packing(draft, random)
    draft.raw.append(lambda data, _random: gzip.compress(data, mtime=0))


def _endings(draft: Draft, random: Random) -> None:
    draft.ending = random.choice(_WRONG_ENDINGS)


def _names(draft: Draft, random: Random) -> None:
    draft.name = random.choice(_FILE_NAMES)


def _several(draft: Draft, random: Random) -> None:
    draft.several = random.choice((2, 2, 3, 5))


def _user_columns(draft: Draft, random: Random) -> None:
    theirs = random.choice([*draft.header, "no such", "", "a=b"])
    draft.parameters["column"] = (f"{random.choice(_CANONICAL)}={theirs}",)


MUTATIONS: dict[str, Mutation] = {
    **TABLE_MUTATIONS,
    "other separators": _separators,
    "other quoting": _quoting,
    "line ends": _line_ends,
    "encodings": _encodings,
    "a mark in the middle": _mark_in_the_middle,
    "lines before the header": _preamble,
    "odd JSON": _pretty_json,
    "formats": _formats,
    "cut bytes": _damaged(_cut),
    "flipped bytes": _damaged(_flip),
    "inserted bytes": _damaged(_insert),
    "deleted bytes": _damaged(_delete),
    "shuffled bytes": _damaged(_shuffle),
    "cut Parquet": _damaged(_cut, "parquet"),
    "flipped Parquet": _damaged(_flip, "parquet"),
    "empty files": _empty,
    "packing": _packing,
    "damaged packing": _damaged_packing,
    "packed twice": _packed_twice,
    "wrong endings": _endings,
    "odd file names": _names,
    "several files": _several,
    "columns by name": _user_columns,
}


def corpus(seed: int, number: int) -> tuple[Corpus, str]:
    """Return a mutated corpus, and what was done to it. The same numbers give the same bytes.

    Every mutation has its turn as the first one; up to three more, at random, come on top.
    """
    random = Random(f"{seed}:{number}")
    draft = Draft(*seed_table(random))
    draft.form = random.choices(("csv", "jsonl", "array", "parquet"), (5, 2, 1, 2))[0]
    draft.delimiter = random.choice((",", ",", ",", ";", "\t"))
    kinds = list(MUTATIONS)
    chosen = [kinds[number % len(kinds)], *random.choices(kinds, k=random.choice((0, 0, 0, 1, 1, 2, 3)))]
    for kind in chosen:
        MUTATIONS[kind](draft, random)
    files = write(draft, random)
    rows = max(1, len(draft.rows))
    draft.parameters |= {
        "partition_rows": random.choice([size for size in (1, 2, 7, 50, 1_000) if size * 8 >= rows]),
        "repeats": random.choice(("drop", "drop", "keep", "recording")),
        "max_bad_share": random.choice((1.0, 1.0, 0.1)),
    }
    return Corpus(files, draft.parameters, whole_folder=random.random() < 0.2), ", ".join(chosen)
