"""Built-in encoders, one a file."""

from __future__ import annotations

from mlfp.hookspecs import Register, hookimpl


@hookimpl
def register_encoders(register: Register) -> None:
    """Offer them."""
    register(
        "compact-2d",
        "mlfp_plugins.encoders.compact_2d:compact_2d",
        summary="Small network for pictures, for training on a CPU.",
        dims=(2,),
    )
    register(
        "compact-3d",
        "mlfp_plugins.encoders.compact_3d:compact_3d",
        summary="Small network for volumes, for training on a CPU.",
        dims=(3,),
    )
    register(
        "resnet18-2d",
        "mlfp_plugins.encoders.resnet18_2d:resnet18_2d",
        summary="Residual network of 18 layers, for pictures (timm).",
        paper="He et al. 2016, Deep Residual Learning for Image Recognition",
        dims=(2,),
    )
    register(
        "resnet50-2d",
        "mlfp_plugins.encoders.resnet50_2d:resnet50_2d",
        summary="Residual network of 50 layers, for pictures (timm).",
        paper="He et al. 2016, Deep Residual Learning for Image Recognition",
        dims=(2,),
    )
    register(
        "resnet18-3d",
        "mlfp_plugins.encoders.resnet18_3d:resnet18_3d",
        summary="Residual network of 18 layers, for volumes (MONAI).",
        paper="Hara et al. 2018, Can Spatiotemporal 3D CNNs Retrace the History of 2D CNNs and ImageNet?",
        dims=(3,),
    )
    register(
        "resnet50-3d",
        "mlfp_plugins.encoders.resnet50_3d:resnet50_3d",
        summary="Residual network of 50 layers, for volumes (MONAI).",
        paper="Hara et al. 2018, Can Spatiotemporal 3D CNNs Retrace the History of 2D CNNs and ImageNet?",
        dims=(3,),
    )
