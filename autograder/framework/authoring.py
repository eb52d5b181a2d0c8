"""The words that laws are written with: `from autograder.framework.authoring import Candidate, Case, Component, …`."""

from autograder.framework import expect
from autograder.framework.candidate import Candidate, CandidateError, OracleCandidate
from autograder.framework.case import Case
from autograder.framework.component import Component, Drawn, Probe
from autograder.framework.expect import About, Failed
from autograder.framework.law import Law

__all__ = [
    "About", "Candidate", "CandidateError", "Case", "Component", "Drawn", "Failed", "Law", "OracleCandidate", "Probe", "expect",
]  # fmt: skip
