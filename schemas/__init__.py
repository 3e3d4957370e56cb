"""The contracts: what passes between steps, what users may set, what a publication holds.

Nothing here imports anything else of ours, and nothing heavy at import time: the command line reads these modules
before it knows whether there is any work to do.
"""
