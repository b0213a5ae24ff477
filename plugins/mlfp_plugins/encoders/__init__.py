"""Built-in encoders, one a file."""

from __future__ import annotations

from mlfp.hookspecs import OWN, Register, hookimpl


@hookimpl
def register_encoders(register: Register) -> None:
    """Offer them."""
    _register_compact(register)
    _register_residual(register)
    _register_released(register)


def _register_compact(register: Register) -> None:
    register(
        "compact-2d",
        "mlfp_plugins.encoders.compact_2d:compact_2d",
        summary="Small network for pictures, for training on a CPU.",
        paper=OWN,
        dims=(2,),
    )
    register(
        "compact-3d",
        "mlfp_plugins.encoders.compact_3d:compact_3d",
        summary="Small network for volumes, for training on a CPU.",
        paper=OWN,
        dims=(3,),
    )
    register(
        "structure-3d",
        "mlfp_plugins.encoders.structure_3d:structure_3d",
        summary="Small network for heads that lie alike, which sees how edges run and no contrast.",
        paper="own; its input after Haber & Modersitzki 2006, Intensity Gradient Based Registration and Fusion",
        dims=(3,),
    )
    register(
        "posed-3d",
        "mlfp_plugins.encoders.posed_3d:posed_3d",
        summary="Finds how the head lies, turns it upright, and looks at it with structure-3d.",
        paper="own; after Jaderberg et al. 2015, Spatial Transformer Networks, with known poses to learn from",
        dims=(3,),
    )
    register(
        "slices",
        "mlfp_plugins.encoders.slices:slices",
        summary="A 2D encoder on several slices of a head, pooled into one fingerprint.",
        paper="Puglisi et al. 2023, DeepBrainPrint, section 5 (future work); pooling after Su et al. 2015, Multi-view "
        "Convolutional Neural Networks for 3D Shape Recognition",
        dims=(2, 3),
        aliases=("multi-slice",),
    )


def _register_residual(register: Register) -> None:
    register(
        "resnet18-2d",
        "mlfp_plugins.encoders.resnet_2d:resnet18_2d",
        summary="Residual network of 18 layers, for pictures (timm).",
        paper="He et al. 2016, Deep Residual Learning for Image Recognition",
        dims=(2,),
    )
    register(
        "resnet50-2d",
        "mlfp_plugins.encoders.resnet_2d:resnet50_2d",
        summary="Residual network of 50 layers, for pictures (timm).",
        paper="He et al. 2016, Deep Residual Learning for Image Recognition",
        dims=(2,),
        aliases=("fsf-printed-2d",),
    )
    register(
        "resnet10-3d",
        "mlfp_plugins.encoders.resnet_3d:resnet10_3d",
        summary="Residual network of 10 layers, for volumes (MONAI).",
        paper="Hara et al. 2018, Can Spatiotemporal 3D CNNs Retrace the History of 2D CNNs and ImageNet?",
        dims=(3,),
    )
    register(
        "resnet18-3d",
        "mlfp_plugins.encoders.resnet_3d:resnet18_3d",
        summary="Residual network of 18 layers, for volumes (MONAI).",
        paper="Hara et al. 2018, Can Spatiotemporal 3D CNNs Retrace the History of 2D CNNs and ImageNet?",
        dims=(3,),
    )
    register(
        "resnet34-3d",
        "mlfp_plugins.encoders.resnet_3d:resnet34_3d",
        summary="Residual network of 34 layers, for volumes (MONAI).",
        paper="Hara et al. 2018, Can Spatiotemporal 3D CNNs Retrace the History of 2D CNNs and ImageNet?",
        dims=(3,),
    )
    register(
        "resnet50-3d",
        "mlfp_plugins.encoders.resnet_3d:resnet50_3d",
        summary="Residual network of 50 layers, for volumes (MONAI).",
        paper="Hara et al. 2018, Can Spatiotemporal 3D CNNs Retrace the History of 2D CNNs and ImageNet?",
        dims=(3,),
        aliases=("fsf-printed-3d",),
    )


def _register_released(register: Register) -> None:
    register(
        "fsf-released-2d",
        "mlfp_plugins.encoders.fsf_released_2d:fsf_released_2d",
        summary="What Few-Shot Fingerprinting's released code has for pictures: ResNet-34 and 1000 units (timm).",
        paper="Gaspar Alves et al. 2025, Few-Shot Fingerprinting (arXiv 2512.16685), released code",
        dims=(2,),
        aliases=("few-shot-fingerprinting-released-2d",),
    )
    register(
        "fsf-released-3d",
        "mlfp_plugins.encoders.fsf_released_3d:fsf_released_3d",
        summary="What Few-Shot Fingerprinting's released code has for volumes: half a ResNet-34 (MONAI).",
        paper="Gaspar Alves et al. 2025, Few-Shot Fingerprinting (arXiv 2512.16685), released code",
        dims=(3,),
        aliases=("few-shot-fingerprinting-released-3d",),
    )
