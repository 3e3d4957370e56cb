"""The numbers that the one-way model needs of a published data set, and a corpus that has them.

The book Bayes Rules! (Johnson, Ott, Dogucu 2022, chapters 15 to 17) works with 350 tracks of 44 artists. The normal
one-way hierarchical model sees of them only how many tracks each artist has, their sum of popularity, and the sum of
squares around the artists' means. Any tracks with the same numbers have the same posterior.
"""

from __future__ import annotations

# Tracks and sum of popularity of each artist, by name; the fifth is Beyonce.
ARTISTS = (
    *((19, 1232), (4, 183), (5, 304), (3, 127), (25, 1743), (6, 295), (4, 202), (38, 2930), (9, 729), (10, 164)),
    *((3, 110), (3, 156), (3, 138), (40, 2791), (3, 101), (6, 364), (3, 95), (5, 241), (12, 920), (6, 275), (5, 184)),
    *((31, 1770), (3, 122), (3, 196), (3, 238), (4, 177), (4, 53), (3, 161), (7, 391), (5, 308), (5, 267), (6, 334)),
    *((4, 133), (2, 146), (5, 121), (3, 197), (14, 534), (3, 122), (4, 249), (3, 163), (8, 443), (6, 378), (7, 401)),
    (5, 253),
)
WITHIN = 59952.98827391058
BEYONCE = "artist 04"


def tracks() -> list[tuple[str, str, float]]:
    """Return (id, artist, popularity) of 350 tracks with the book's sufficient statistics, all within 0..100."""
    paired = [count - count % 2 for count, _ in ARTISTS]
    room = [min(total / count, 100 - total / count) for count, total in ARTISTS]
    spread = [min(10.0, here) for here in room]
    # Pairs of tracks lie evenly around their artist's mean; those with room take what is left of the sum of squares.
    wide = [here > 25 for here in room]
    left = WITHIN - sum(n * d * d for n, d, much in zip(paired, spread, wide, strict=True) if not much)
    step = (left / sum(n for n, much in zip(paired, wide, strict=True) if much)) ** 0.5
    made = []
    for number, (count, total) in enumerate(ARTISTS):
        distance = step if wide[number] else spread[number]
        for position in range(count):
            sign = 0 if position >= paired[number] else (-1) ** position
            made.append((f"{number:02d}x{position:02d}", f"artist {number:02d}", total / count + sign * distance))
    return made
