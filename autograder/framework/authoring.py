"""The framework's words for laws, for the shared ones; a component's file has these and those from `autograder.words`."""

from autograder.framework import expect
from autograder.framework.candidate import Candidate, CandidateError, OracleCandidate
from autograder.framework.case import Case
from autograder.framework.component import Component, Drawn, Probe
from autograder.framework.expect import About, Failed
from autograder.framework.law import Law

__all__ = [
    "About", "Candidate", "CandidateError", "Case", "Component", "Drawn", "Failed", "Law", "OracleCandidate", "Probe", "expect",
]  # fmt: skip
