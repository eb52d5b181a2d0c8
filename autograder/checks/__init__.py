"""The laws of every component, and what they are written with.

`component.py` holds the registry, `case.py` the inputs, `expect.py` the comparisons, `candidate.py` the narrow
interface to an answer, `procedures.py` what runs beside the answer, `watch.py` what is observed there. The laws
themselves stand in one module a chapter.
"""
