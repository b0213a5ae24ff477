"""Compiled inner loops of the augmentations on a CPU. Each has a torch twin that gives the same to the last bits.

A map from output to input is a program: a sequence of steps, each affine or a displacement read from a coarse grid,
followed for one line of voxels after another. So coordinates never leave the processor's nearest cache, where a
tensor of them would cost more than the rest. A picture is a volume with one plane. The kernels take one image each and
hold no lock: threads work on different images.
"""

from __future__ import annotations

import numpy as np

from mlfp.execution.compiled import compiled, inlined

_ZERO, _HALF, _ONE = np.float32(0), np.float32(0.5), np.float32(1)
_1, _2, _3, _4, _5 = np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(4), np.uint64(5)


@compiled
def resample(
    source: np.ndarray,
    target: np.ndarray,
    fill: np.ndarray,
    matrices: np.ndarray,
    fields: np.ndarray,
    starts: np.ndarray,
    shapes: np.ndarray,
) -> None:
    """Read (C, I, J, K) at where a program sends every voxel of the (C, I, J, K) target.

    :param fill: (C,) what lies beyond the image.
    :param matrices: (S, 3, 4) of the affine steps, first applied first. Of displacements: column 0 has the steps of
        their grid to a voxel, column 1 the centre of the image.
    :param fields: all displacements, flat: each ``(*grid, 3)``, in voxels.
    :param starts: (S,) where a step's displacements begin in ``fields``; -1 makes it an affine one.
    :param shapes: (S, 3) their grids.
    """
    _, size_i, size_j, size_k = target.shape
    line = np.empty((3, size_k), np.float32)
    flat = source.reshape(len(source), -1)
    for i in range(size_i):
        for j in range(size_j):
            for k in range(size_k):
                line[0, k] = np.float32(i) - _HALF * np.float32(size_i - 1)
                line[1, k] = np.float32(j) - _HALF * np.float32(size_j - 1)
                line[2, k] = np.float32(k) - _HALF * np.float32(size_k - 1)
            for s in range(starts.shape[0]):
                if starts[s] < 0:
                    _move(line, matrices, s)
                else:
                    _displace(line, matrices, fields, starts[s], shapes, s)
            _read(source, flat, line, fill, target, i, j)


@compiled
def compose(field: np.ndarray, target: np.ndarray) -> None:
    """The displacement ``(I, J, K, 3)``, in steps of its grid, followed twice."""
    size_i, size_j, size_k, _ = field.shape
    flat = field.reshape(-1)
    for i in range(size_i):
        for j in range(size_j):
            for k in range(size_k):
                x, y, z = field[i, j, k, 0], field[i, j, k, 1], field[i, j, k, 2]
                a, b, c = np.float32(i) + x, np.float32(j) + y, np.float32(k) + z
                u, v, w = _displacement(flat, 0, size_i, size_j, size_k, a, b, c)
                target[i, j, k, 0], target[i, j, k, 1], target[i, j, k, 2] = x + u, y + v, z + w


@compiled
def _move(line: np.ndarray, m: np.ndarray, s: int) -> None:
    """An affine step for a line of voxels."""
    for k in range(line.shape[1]):
        x, y, z = line[0, k], line[1, k], line[2, k]
        line[0, k] = m[s, 0, 0] * x + m[s, 0, 1] * y + m[s, 0, 2] * z + m[s, 0, 3]
        line[1, k] = m[s, 1, 0] * x + m[s, 1, 1] * y + m[s, 1, 2] * z + m[s, 1, 3]
        line[2, k] = m[s, 2, 0] * x + m[s, 2, 1] * y + m[s, 2, 2] * z + m[s, 2, 3]


@compiled
def _displace(line: np.ndarray, m: np.ndarray, fields: np.ndarray, start: int, shapes: np.ndarray, s: int) -> None:
    """A displacement step for a line of voxels."""
    n_i, n_j, n_k = shapes[s, 0], shapes[s, 1], shapes[s, 2]
    for k in range(line.shape[1]):
        a = (line[0, k] + m[s, 0, 1]) * m[s, 0, 0]
        b = (line[1, k] + m[s, 1, 1]) * m[s, 1, 0]
        c = (line[2, k] + m[s, 2, 1]) * m[s, 2, 0]
        u, v, w = _displacement(fields, start, n_i, n_j, n_k, a, b, c)
        line[0, k] += u
        line[1, k] += v
        line[2, k] += w


@inlined
def _cell(place: np.float32, size: int) -> tuple[int, np.float32]:
    """The cell of a grid that holds a place, kept within the grid, and how far along it."""
    inside = min(max(place, _ZERO), np.float32(size - 1))
    low = max(min(int(inside), size - 2), 0)
    return low, inside - np.float32(low)


@inlined
def _displacement(
    fields: np.ndarray, start: int, n_i: int, n_j: int, n_k: int, a: np.float32, b: np.float32, c: np.float32
) -> tuple[np.float32, np.float32, np.float32]:
    """Three numbers at a place of the grid, linearly between its points; the first axis may have a single one."""
    i, wi = _cell(a, n_i)
    j, wj = _cell(b, n_j)
    k, wk = _cell(c, n_k)
    u, v, w = _ZERO, _ZERO, _ZERO
    for ci in range(2 if n_i > 1 else 1):
        for cj in range(2):
            outer = (wi if ci else _ONE - wi) * (wj if cj else _ONE - wj)
            near, far = outer * (_ONE - wk), outer * wk
            at = np.uint64(start + 3 * (((i + ci) * n_j + j + cj) * n_k + k))  # unsigned: see _between
            u += near * fields[at] + far * fields[at + _3]
            v += near * fields[at + _1] + far * fields[at + _4]
            w += near * fields[at + _2] + far * fields[at + _5]
    return u, v, w


@compiled
def _read(
    source: np.ndarray, flat: np.ndarray, line: np.ndarray, fill: np.ndarray, target: np.ndarray, i: int, j: int
) -> None:
    """Write a line of voxels of all channels."""
    channels, size_i, size_j, size_k = source.shape
    above, behind = (size_j * size_k if size_i > 1 else 0), size_k
    for k in range(line.shape[1]):
        a = line[0, k] + _HALF * np.float32(size_i - 1)
        b = line[1, k] + _HALF * np.float32(size_j - 1)
        c = line[2, k] + _HALF * np.float32(size_k - 1)
        inside_i = (a >= 0 and a < size_i - 1) or size_i == 1
        if inside_i and b >= 0 and c >= 0 and b < size_j - 1 and c < size_k - 1:
            p, q, r = int(a), int(b), int(c)
            wi, wj, wk = a - np.float32(p), b - np.float32(q), c - np.float32(r)
            at = (p * size_j + q) * size_k + r
            for n in range(channels):
                value = _between(flat, n, at, behind, wj, wk)
                if above:
                    value += wi * (_between(flat, n, at + above, behind, wj, wk) - value)
                target[n, i, j, k] = value
        else:
            for n in range(channels):
                target[n, i, j, k] = _at_the_edge(source, n, a, b, c, fill[n])


@inlined
def _between(flat: np.ndarray, n: int, at: int, behind: int, wj: np.float32, wk: np.float32) -> np.float32:
    """Between four voxels of a plane. Indices are unsigned, so that none is checked for counting from the end."""
    first, second, third, fourth = np.uint64(at), np.uint64(at + 1), np.uint64(at + behind), np.uint64(at + behind + 1)
    near = flat[n, first] + wk * (flat[n, second] - flat[n, first])
    far = flat[n, third] + wk * (flat[n, fourth] - flat[n, third])
    value: np.float32 = near + wj * (far - near)
    return value


@compiled
def _at_the_edge(
    source: np.ndarray, n: int, a: np.float32, b: np.float32, c: np.float32, fill: np.float32
) -> np.float32:
    """Linear between the outermost voxels and what lies beyond."""
    _, size_i, size_j, size_k = source.shape
    if not (a > -1 and b > -1 and c > -1 and a < size_i and b < size_j and c < size_k):
        return fill
    i0, i1, ui, vi = _ends(a, size_i)
    j0, j1, uj, vj = _ends(b, size_j)
    k0, k1, uk, vk = _ends(c, size_k)
    low = uj * (uk * source[n, i0, j0, k0] + vk * source[n, i0, j0, k1])
    low += vj * (uk * source[n, i0, j1, k0] + vk * source[n, i0, j1, k1])
    high = uj * (uk * source[n, i1, j0, k0] + vk * source[n, i1, j0, k1])
    high += vj * (uk * source[n, i1, j1, k0] + vk * source[n, i1, j1, k1])
    value: np.float32 = ui * low + vi * high + (_ONE - (ui + vi) * (uj + vj) * (uk + vk)) * fill
    return value


@inlined
def _ends(place: np.float32, size: int) -> tuple[int, int, np.float32, np.float32]:
    """The two voxels around a place above -1, and their weights: none for one that is beyond the image."""
    low = int(place + _ONE) - 1
    along = place - np.float32(low)
    first = _ONE - along if low >= 0 else _ZERO
    second = along if low < size - 1 else _ZERO
    return max(low, 0), min(low + 1, size - 1), first, second
