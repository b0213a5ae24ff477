"""Scans from files to tensors: reading, preprocessing, the cache, splits and samplers.

Nothing here imports torch before pixels are asked for as a tensor.
"""
