"""Predictions from a publication: plain functions, part of no run.

from tasks.predict import Predictor
"""

from tasks.predict.predictor import READ, Predictor

__all__ = ["READ", "Predictor"]
