"""The model, for both generations of PyMC, and what samples it in PyMC3's room.

All of it runs on Python 3.8 too, and imports nothing but NumPy, PyMC and its own modules.
"""
