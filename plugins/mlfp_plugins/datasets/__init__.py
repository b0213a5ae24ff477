"""Built-in datasets, one a file."""

from __future__ import annotations

from mlfp.hookspecs import OWN, Register, hookimpl


@hookimpl
def register_datasets(register: Register) -> None:
    """Offer them."""
    _register_general(register)
    _register_published(register)
    _register_derived(register)


def _register_general(register: Register) -> None:
    register(
        "phantom",
        "mlfp_plugins.datasets.phantom:Phantom",
        summary="Synthetic brain MRI with subjects, sessions and contrasts; needs no download.",
        paper="after Billot 2023 (SynthSeg), Medical Image Analysis 86; template: Fonov 2011 (ICBM 152), NeuroImage 54",
        dims=(3,),
        domains=("brain-mri",),
    )
    register(
        "manifest",
        "mlfp_plugins.datasets.manifest:Manifest",
        summary="Scans listed in a CSV, TSV or Parquet file, a row a scan.",
        paper=OWN,
    )
    register(
        "folder",
        "mlfp_plugins.datasets.folder:Folder",
        summary="Files below a folder whose paths fit a template such as {subject}/{session}/{modality}.nii.gz.",
        paper=OWN,
    )
    register(
        "bids",
        "mlfp_plugins.datasets.bids:Bids",
        summary="A BIDS tree, valid or nearly; its listing is remembered, so that 40,000 participants are no matter.",
        paper="Gorgolewski 2016 (BIDS), Scientific Data 3",
        dims=(3,),
        domains=("brain-mri",),
    )
    register(
        "dicom",
        "mlfp_plugins.datasets.dicom:Dicom",
        summary="A folder of DICOM files in any order: a series a scan, by its UID.",
        paper="NEMA PS3 (DICOM), ISO 12052",
        extras=("dicom",),
    )


def _register_published(register: Register) -> None:
    register(
        "brats2021",
        "mlfp_plugins.datasets.brats2021:Brats2021",
        summary="BraTS 2021 as it is handed out: four contrasts of one session of each subject.",
        paper="Baid 2021 (BraTS 2021), arXiv 2107.02314",
        dims=(3,),
        domains=("brain-mri",),
    )
    register(
        "chestxray14",
        "mlfp_plugins.datasets.chestxray14:ChestXray14",
        summary="NIH ChestX-ray14 as it is handed out, with NIH's split or the patient split of Packhaeuser et al.",
        paper="Wang 2017 (ChestX-ray8), CVPR; split: Packhaeuser 2022, Scientific Reports 12",
        dims=(2,),
        domains=("chest-xray",),
    )
    register(
        "adni",
        "mlfp_plugins.datasets.adni:Adni",
        summary="ADNI as LONI packs it, with its table; scans of a subject at least so many days apart.",
        paper="Jack 2008 (ADNI MRI), Journal of Magnetic Resonance Imaging 27",
        dims=(3,),
        domains=("brain-mri",),
    )


def _register_derived(register: Register) -> None:
    register(
        "synt-contr",
        "mlfp_plugins.datasets.synt_contr:SyntContr",
        summary="Any data set in made-up contrasts (negatives, shifted intensities), drawn once and stored.",
        paper="Puglisi 2023 (DeepBrainPrint), MIDL",
    )
    register(
        "warped",
        "mlfp_plugins.datasets.warped:Warped",
        summary="Any data set with further identities: each subject again, with another anatomy by a warp.",
        paper="after Arsigny 2006 (log-Euclidean framework for diffeomorphisms), MICCAI",
        version=2,  # a weaker warp unless it is named
    )
