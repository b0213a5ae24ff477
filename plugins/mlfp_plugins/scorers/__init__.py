"""Built-in scorers, one a file."""

from __future__ import annotations

from mlfp.hookspecs import OWN, Register, hookimpl


@hookimpl
def register_scorers(register: Register) -> None:
    """Offer them."""
    _register_pixels(register)
    _register_learnt(register)
    _register_shapes(register)
    _register_controls(register)


def _register_pixels(register: Register) -> None:
    register(
        "correlation",
        "mlfp_plugins.scorers.correlation:Correlation",
        summary="Pearson correlation of pixels.",
        paper="Pearson 1895, Note on Regression and Inheritance in the Case of Two Parents",
    )
    register(
        "gradient-correlation",
        "mlfp_plugins.scorers.gradient_correlation:GradientCorrelation",
        summary="Pearson correlation of gradient magnitudes: where edges are, whichever side is brighter.",
        paper=OWN,
    )
    register(
        "cross-entropy",
        "mlfp_plugins.scorers.cross_entropy:CrossEntropy",
        summary="Minimum cross entropy between images as distributions over pixels, or between their histograms.",
        paper="Kullback 1959, Information Theory and Statistics; for brain MRI Sharma et al. 2026, arXiv 2602.10043; "
        "by this name in Puglisi et al. 2023, DeepBrainPrint, after Al-bory & Elsheh 2018",
        aliases=("minimum-cross-entropy",),
    )
    register(
        "mutual-information",
        "mlfp_plugins.scorers.mutual_information:MutualInformation",
        summary="Mutual information of pixels, normalised: alike whatever the contrasts.",
        paper="Maes et al. 1997, Multimodality Image Registration by Maximization of Mutual Information",
    )
    register(
        "ssim",
        "mlfp_plugins.scorers.ssim:SSIM",
        summary="Mean structural similarity with a uniform window, in 2D and 3D.",
        paper="Wang et al., Image Quality Assessment: From Error Visibility to Structural Similarity, IEEE TIP 2004",
    )


def _register_learnt(register: Register) -> None:
    register(
        "mlkr",
        "mlfp_plugins.scorers.mlkr:MLKR",
        summary="Metric learning for kernel regression on principal components of pixels, learnt from training scans.",
        paper="Weinberger & Tesauro 2007, Metric Learning for Kernel Regression",
    )
    register(
        "model",
        "mlfp_plugins.scorers.model:Model",
        summary="Fingerprints of a trained model: a file, or the name of a published one.",
        paper=OWN,
    )
    register(
        "nca",
        "mlfp_plugins.scorers.nca:NCA",
        summary="Neighbourhood components analysis on principal components of pixels, learnt from training scans.",
        paper="Goldberger et al. 2004, Neighbourhood Components Analysis",
    )
    register(
        "verified",
        "mlfp_plugins.scorers.verified:Verified",
        summary="Fingerprints of a trained model, and each query's candidates laid over it: both stages.",
        paper=OWN,
        version=2,  # evidence of the calibration in place of a threshold and a weight
    )
    register(
        "slice-voting",
        "mlfp_plugins.scorers.slice_voting:SliceVoting",
        summary="Slices through a frozen encoder of pictures, which vote for the scan with the nearest slice.",
        paper="Truong et al. 2024, Benchmarking Pretrained Vision Embeddings for Near- and Duplicate Detection",
        version=2,  # tissue of the mean intensity is no air
    )


def _register_shapes(register: Register) -> None:
    register(
        "brainprint",
        "mlfp_plugins.scorers.brainprint:BrainPrint",
        summary="Laplace-Beltrami spectra of the surfaces of the head and of classes of tissue in it: shape alone.",
        paper="Wachinger et al. 2015, BrainPrint: A Discriminative Characterization of Brain Morphology, "
        "NeuroImage 109",
        dims=(3,),
        extras=("spectrum",),
        version=2,  # tissue of the mean intensity is no air
    )
    register(
        "sift-rank",
        "mlfp_plugins.scorers.sift_rank:SIFTRank",
        summary="Keypoints that two images share, described by the ranks of their gradients, in 2D and 3D.",
        paper="Toews & Wells 2013, Efficient and Robust Model-to-Image Alignment using 3D Scale-Invariant Features; "
        "Chauvin et al. 2020, Neuroimage Signature from Salient Keypoints, NeuroImage 204",
        dims=(2, 3),
        aliases=("3d-sift-rank",),
    )


def _register_controls(register: Register) -> None:
    register(
        "header-only",
        "mlfp_plugins.scorers.header_only:HeaderOnly",
        summary="Shape, voxel size and place from the files' headers, no pixels: how much the acquisition explains.",
        paper="Geirhos et al. 2020, Shortcut Learning in Deep Neural Networks: what such controls are against",
    )
    register(
        "histogram",
        "mlfp_plugins.scorers.histogram:Histogram",
        summary="Intensities wherever they lie: how much of a result scanner and contrast explain.",
        paper="Rubner, Tomasi & Guibas 2000, The Earth Mover's Distance as a Metric for Image Retrieval",
        aliases=("intensity-histogram",),
        version=2,  # tissue of the mean intensity is no air
    )
    register(
        "outline",
        "mlfp_plugins.scorers.outline:Outline",
        summary="Overlap of the masks alone: how much of a result the outline explains.",
        paper="Dice 1945, Measures of the Amount of Ecologic Association Between Species",
        version=2,  # tissue of the mean intensity is no air
    )
