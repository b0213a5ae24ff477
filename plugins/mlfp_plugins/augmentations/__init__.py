"""Built-in augmentations, one a file."""

from __future__ import annotations

from mlfp.hookspecs import OWN, Register, hookimpl


@hookimpl
def register_augmentations(register: Register) -> None:
    """Offer them."""
    _register_geometry(register)
    _register_intensities(register)
    _register_photographic(register)
    _register_recipes(register)


def _register_geometry(register: Register) -> None:
    register(
        "affine",
        "mlfp_plugins.augmentations.affine:Affine",
        summary="Rotate, shift and scale about the centre.",
        paper="Gaspar Alves et al. 2025, Few-Shot Fingerprinting; Puglisi et al. 2023, DeepBrainPrint, rotation",
        dims=(2, 3),
    )
    register(
        "elastic",
        "mlfp_plugins.augmentations.elastic:Elastic",
        summary="Move control points at random, and what lies between them.",
        paper="Puglisi et al. 2023, DeepBrainPrint, table 1",
        dims=(2, 3),
    )
    register(
        "identity-warp",
        "mlfp_plugins.augmentations.identity_warp:IdentityWarp",
        summary="A strong smooth invertible warp that all rows of a subject share: a new anatomy.",
        paper="after Arsigny et al. 2006 (log-Euclidean framework for diffeomorphisms), MICCAI",
        dims=(2, 3),
    )
    register(
        "field-of-view",
        "mlfp_plugins.augmentations.field_of_view:FieldOfView",
        summary="Cut slabs off the ends of the axes, independently in each view.",
        paper=OWN,
        dims=(2, 3),
    )
    register(
        "flip",
        "mlfp_plugins.augmentations.flip:Flip",
        summary="Mirror the image, from left to right unless told otherwise.",
        paper="Chen et al. 2020, SimCLR, appendix A",
        dims=(2, 3),
        version=2,  # pictures are mirrored from left to right
    )
    register(
        "random-resized-crop",
        "mlfp_plugins.augmentations.random_resized_crop:RandomResizedCrop",
        summary="Cut out a part and enlarge it to the whole.",
        paper="Szegedy et al. 2015; Chen et al. 2020, SimCLR, appendix A",
        dims=(2, 3),
    )


def _register_intensities(register: Register) -> None:
    register(
        "intensity",
        "mlfp_plugins.augmentations.intensity:Intensity",
        summary="Another contrast inside the head: curve, gamma, negative, gain, shift.",
        paper="Puglisi et al. 2023, DeepBrainPrint, table 1: negative and intensity shift",
        dims=(2, 3),
    )
    register(
        "negative",
        "mlfp_plugins.augmentations.negative:Negative",
        summary="Light to dark: minimum plus maximum minus the image.",
        paper="Puglisi et al. 2023, DeepBrainPrint, table 1",
        dims=(2, 3),
    )
    register(
        "intensity-shift",
        "mlfp_plugins.augmentations.intensity_shift:IntensityShift",
        summary="Add one number to all voxels.",
        paper="Puglisi et al. 2023, DeepBrainPrint, table 1",
        dims=(2, 3),
    )
    register(
        "bias-field",
        "mlfp_plugins.augmentations.bias_field:BiasField",
        summary="Multiply with a smooth field, as a coil does.",
        paper="Puglisi et al. 2023, DeepBrainPrint, table 1",
        dims=(2, 3),
    )
    register(
        "legendre-bias-field",
        "mlfp_plugins.augmentations.legendre_bias_field:LegendreBiasField",
        summary="Multiply with a random polynomial's exponential, as MONAI's bias field.",
        paper="Puglisi et al. 2023, DeepBrainPrint, table 1; Van Leemput et al. 1999",
        dims=(2, 3),
    )
    register(
        "noise",
        "mlfp_plugins.augmentations.noise:Noise",
        summary="Add Gaussian noise.",
        paper="equation: x + s n, with n from N(0, 1)",
        dims=(2, 3),
    )


def _register_photographic(register: Register) -> None:
    register(
        "colour-jitter",
        "mlfp_plugins.augmentations.colour_jitter:ColourJitter",
        summary="Another brightness and contrast, in random order.",
        paper="Chen et al. 2020, SimCLR, appendix A",
        dims=(2, 3),
        aliases=("color-jitter",),
    )
    register(
        "blur",
        "mlfp_plugins.augmentations.blur:Blur",
        summary="Convolve with a Gaussian.",
        paper="Chen et al. 2020, SimCLR, appendix A",
        dims=(2, 3),
    )
    register(
        "solarise",
        "mlfp_plugins.augmentations.solarise:Solarise",
        summary="Turn all tones from a threshold on into their negative.",
        paper="Zbontar et al. 2021, Barlow Twins; Grill et al. 2020, BYOL, appendix B",
        dims=(2, 3),
        aliases=("solarize",),
    )
    register(
        "patches",
        "mlfp_plugins.augmentations.patches:Patches",
        summary="Cover patches of the image, black or with noise.",
        paper="Puglisi et al. 2023, DeepBrainPrint, table 1; DeVries & Taylor 2017, cutout",
        dims=(2, 3),
        aliases=("cutout",),
    )


def _register_recipes(register: Register) -> None:
    register(
        "deepbrainprint",
        "mlfp_plugins.augmentations.deepbrainprint:DeepBrainPrint",
        summary="The six transforms of DeepBrainPrint, as printed or as released.",
        paper="Puglisi et al. 2023, DeepBrainPrint, table 1",
        dims=(2, 3),
        domains=("brain-mri",),
    )
    register(
        "few-shot-fingerprinting",
        "mlfp_plugins.augmentations.few_shot_fingerprinting:FewShotFingerprinting",
        summary="The affine transforms of Few-Shot Fingerprinting, of MRI or of X-rays.",
        paper="Gaspar Alves et al. 2025, Few-Shot Fingerprinting, released code",
        dims=(2, 3),
        domains=("brain-mri", "chest-xray"),
    )
    register(
        "natural-images",
        "mlfp_plugins.augmentations.natural_images:NaturalImages",
        summary="Crop, flip, jitter, blur, solarise: as SimCLR and Barlow Twins on photographs.",
        paper="Zbontar et al. 2021, Barlow Twins; Chen et al. 2020, SimCLR, appendix A",
        dims=(2, 3),
        version=2,  # pictures are mirrored from left to right
    )
