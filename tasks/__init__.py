"""The five steps of a refit, a folder each; `task.py` is each one's only door and alone knows Prefect.

`predict` is no step: it answers from what was published, and has no door.
"""
