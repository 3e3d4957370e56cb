"""The version of each step's code, a part of the key of everything it makes.

Raise a step's number when the same inputs no longer give the same output; what it made before is then made again.
"""

STEPS: dict[str, int] = {
    "sift": 6,
    "ingest": 6,
    "compare": 1,
    "group": 3,
    "sample": 6,
    "gate": 3,
    "judge": 1,
    "publish": 3,
}
