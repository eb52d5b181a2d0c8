"""The answer is the course's own."""

CELL = r"""
from utils.reference import COMPONENTS
softmax = COMPONENTS['softmax']
"""
POINTS = 0.0
