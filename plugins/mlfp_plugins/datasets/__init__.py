"""Built-in datasets, one a file."""

from __future__ import annotations

from mlfp.hookspecs import Register, hookimpl


@hookimpl
def register_datasets(register: Register) -> None:
    """Offer them."""
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
    )
    register(
        "folder",
        "mlfp_plugins.datasets.folder:Folder",
        summary="Files below a folder whose paths fit a template such as {subject}/{session}/{modality}.nii.gz.",
    )
