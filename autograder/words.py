"""The words that a component's file is written with: those of the framework, and the shared laws.

`from autograder.words import Candidate, Case, Component, Drawn, agree, masks, …`
"""

from autograder.framework.authoring import (
    About,
    Candidate,
    CandidateError,
    Case,
    Component,
    Drawn,
    Failed,
    Law,
    OracleCandidate,
    Probe,
    expect,
)
from autograder.shared_laws import blocks, chance, checkpoints, decoding, dropout, heads, masks, modules, tables
from autograder.shared_laws.agreement import (
    add_common,
    agree,
    any_size_and_device,
    gradients_agree,
    gradients_arrive,
    gradients_finite,
    keeps_precision,
    loss_falls,
    precision,
    proving,
    refused,
    refuses_odd,
    settled,
    sizes_and_device,
)

__all__ = [
    "About", "Candidate", "CandidateError", "Case", "Component", "Drawn", "Failed", "Law", "OracleCandidate", "Probe", "expect",
    "blocks", "chance", "checkpoints", "decoding", "dropout", "heads", "masks", "modules", "tables",
    "add_common", "agree", "any_size_and_device", "gradients_agree", "gradients_arrive", "gradients_finite", "keeps_precision",
    "loss_falls", "precision", "proving", "refused", "refuses_odd", "settled", "sizes_and_device",
]  # fmt: skip
