"""The extension points, one file each: what goes in, what comes out, in shapes and units.

They are structural types: an object that fits needs no base class of mlfp, so that those of
pytorch-metric-learning, timm and monai fit unchanged.
"""
