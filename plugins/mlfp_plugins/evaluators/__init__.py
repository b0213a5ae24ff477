"""Built-in evaluators, one a file."""

from __future__ import annotations

from mlfp.hookspecs import OWN, Register, hookimpl


@hookimpl
def register_evaluators(register: Register) -> None:
    """Offer them."""
    _register_accuracy(register)
    _register_conditions(register)
    _register_others(register)


def _register_accuracy(register: Register) -> None:
    register(
        "retrieval",
        "mlfp_plugins.evaluators.retrieval:Retrieval",
        summary="Every query ranks the gallery: precision_at_1, r_precision, map_at_r, hit_at_k; CMC.",
        paper="Musgrave et al., A Metric Learning Reality Check, ECCV 2020",
        version=2,
    )
    register(
        "few-shot",
        "mlfp_plugins.evaluators.few_shot:FewShot",
        summary="N-way K-shot episodes: recall_at_k_shot and hit_at_k among the supports of N subjects.",
        paper="Gaspar Alves et al., Few-Shot Fingerprinting, 2025 (arXiv 2512.16685)",
    )
    register(
        "verification",
        "mlfp_plugins.evaluators.verification:Verification",
        summary="Two scans of one person or not: roc_auc, eer, and tar at chosen false match rates; DET.",
        version=2,
        paper="ISO/IEC 19795-1:2021",
    )
    register(
        "open-set",
        "mlfp_plugins.evaluators.open_set:OpenSet",
        summary="A gallery that may not hold the person: detection and identification rate at a false positive rate.",
        version=2,
        paper="ISO/IEC 19795-1:2021",
    )
    register(
        "accuracy-calculator",
        "mlfp_plugins.evaluators.accuracy_calculator:AccuracyCalculator",
        summary="The figures of pytorch-metric-learning's AccuracyCalculator, with intervals over subjects.",
        paper="Musgrave et al., PyTorch Metric Learning, 2020 (arXiv 2008.09164)",
    )


def _register_conditions(register: Register) -> None:
    register(
        "cross-modal",
        "mlfp_plugins.evaluators.cross_modal:CrossModal",
        summary="A matrix of query modality and gallery modality.",
        paper=OWN,
    )
    register(
        "robustness",
        "mlfp_plugins.evaluators.robustness:Robustness",
        summary="How accuracy falls as queries are moved, disturbed, or made longer after.",
        paper=OWN,
    )
    register(
        "fairness",
        "mlfp_plugins.evaluators.fairness:Fairness",
        summary="Errors and hits of groups by sex, age, site, ... at one threshold for all, and the gaps between them.",
        version=3,
        paper="ISO/IEC 19795-10:2024",
    )
    register(
        "shortcuts",
        "mlfp_plugins.evaluators.shortcuts:Shortcuts",
        summary="What could fool a reader: scanner, outline, header, kin; readings that unmask a method.",
        paper="after Geirhos et al. 2020, Shortcut Learning in Deep Neural Networks",
    )


def _register_others(register: Register) -> None:
    register(
        "clusters",
        "mlfp_plugins.evaluators.clusters:Clusters",
        summary="How tight subjects lie and how far apart: miasd, miesd, adjusted_rand.",
        paper="Gaspar Alves et al., Few-Shot Fingerprinting, 2025 (arXiv 2512.16685)",
    )
    register(
        "cost",
        "mlfp_plugins.evaluators.cost:Cost",
        summary="What a method costs where it is used: images a second, ms a query, bytes a scan.",
        paper=OWN,
    )
