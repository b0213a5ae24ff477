"""Built-in preprocessors, one a file."""

from __future__ import annotations

from mlfp.hookspecs import OWN, Register, hookimpl

_HERE = "mlfp_plugins.preprocessors"


@hookimpl
def register_preprocessors(register: Register) -> None:
    """Offer them."""
    _register_grids(register)
    _register_intensities(register)
    _register_disturbances(register)


def _register_grids(register: Register) -> None:
    register("resample", f"{_HERE}.resample:Resample", summary="Voxels of a given size in mm.", paper=OWN)
    register("resize", f"{_HERE}.resize:Resize", summary="A given shape in voxels, stretching.", paper=OWN)
    register(
        "pad",
        f"{_HERE}.pad:Pad",
        summary="A given shape in voxels, cutting off or filling up around the centre.",
        paper=OWN,
    )
    register(
        "crop",
        f"{_HERE}.crop:Crop",
        summary="The box around the head or body, with a margin in mm.",
        paper=OWN,
        version=2,  # tissue of the mean intensity is no air
    )
    register(
        "slice",
        f"{_HERE}.slice:Slice",
        summary="One slice by axis and position, or several as channels.",
        paper=OWN,
        dims=(3,),
        version=2,  # tissue of the mean intensity is no air
    )
    register(
        "cut",
        f"{_HERE}.cut:Cut",
        summary="Nothing below a plane under the head's centre: a shorter field of view.",
        paper=OWN,
        dims=(3,),
        version=2,  # tissue of the mean intensity is no air
    )
    register(
        "register",
        f"{_HERE}.register:Register",
        summary="Registration to MNI152 or another template, affine or rigid, by ANTs.",
        paper="Avants et al., Insight Journal 2009 (ANTs); Fonov et al., NeuroImage 2011 (MNI152)",
        dims=(3,),
        domains=("brain-mri",),
        extras=("register",),
    )


def _register_intensities(register: Register) -> None:
    register(
        "percentile",
        f"{_HERE}.percentile:Percentile",
        summary="Intensities from 0 to 1 between two percentiles inside the head or body.",
        paper="defaults after Puglisi 2023 (DeepBrainPrint), MIDL",
        version=2,  # tissue of the mean intensity is no air
    )
    register(
        "zscore",
        f"{_HERE}.zscore:ZScore",
        summary="Mean 0 and standard deviation 1 inside the head or body.",
        paper="as in Isensee et al. 2021 (nnU-Net), Nature Methods 18",
        version=2,  # tissue of the mean intensity is no air
    )
    register(
        "normalise",
        f"{_HERE}.normalise:Normalise",
        summary="A given mean and deviation, the same for all scans, such as ImageNet's.",
        paper="released codes of Gaspar Alves et al. 2025, Few-Shot Fingerprinting, and Puglisi et al. 2023, "
        "DeepBrainPrint",
        aliases=("normalize",),
    )
    register(
        "outliers",
        f"{_HERE}.outliers:Outliers",
        summary="The most extreme 5 % of intensities clipped, units kept.",
        paper="Puglisi et al., DeepBrainPrint, MIDL 2023, section 2.1",
        version=2,  # tissue of the mean intensity is no air
    )
    register(
        "skull-strip",
        f"{_HERE}.skull_strip:SkullStrip",
        summary="The brain alone, by a program of the user's: HD-BET, SynthStrip or BET.",
        paper="Isensee et al. 2019 (HD-BET); Hoopes et al. 2022 (SynthStrip); Smith 2002 (BET)",
        dims=(3,),
        domains=("brain-mri",),
    )


def _register_disturbances(register: Register) -> None:
    register(
        "move",
        f"{_HERE}.move:Move",
        summary="The subject lying elsewhere: rotated, shifted, scaled at random.",
        paper=OWN,
    )
    register(
        "disturb",
        f"{_HERE}.disturb:Disturb",
        summary="One thing gone wrong with a scan: noise, bias, negative, gamma, blur, resolution, crop or edge.",
        paper=OWN,
        version=2,  # tissue of the mean intensity is no air
    )
    register(
        "synthetic-contrast",
        f"{_HERE}.synthetic_contrast:SyntheticContrast",
        summary="The same scan in a made-up contrast: negative and intensity shift, drawn once for every scan.",
        paper="Puglisi et al., DeepBrainPrint, MIDL 2023 (SYNT-CONTR)",
    )
    register(
        "outline-only",
        f"{_HERE}.outline_only:OutlineOnly",
        summary="The outline of head or body, flat inside.",
        paper=OWN,
        version=2,  # tissue of the mean intensity is no air
    )
