"""The loss of metric learning for kernel regression, and its gradient."""

from __future__ import annotations

import numpy as np


def loss_and_gradient(
    matrix: np.ndarray, points: np.ndarray, targets: np.ndarray, counted: np.ndarray
) -> tuple[float, np.ndarray]:
    r"""Leave-one-out squared error of kernel regression after a linear map (Weinberger & Tesauro 2007, eq. 2 to 6).

    With :math:`z_i = A x_i`, weights :math:`w_{ij} = e^{-|z_i - z_j|^2} / \sum_{k \ne i} e^{-|z_i - z_k|^2}` and
    :math:`\hat y_i = \sum_{j \ne i} w_{ij} y_j`, the loss is :math:`\sum_i |\hat y_i - y_i|^2`. The kernel's width is
    1: it is the scale of :math:`A`. Targets may be vectors; their squared errors add up.

    The gradient is the paper's, with the sum over pairs of outer products collected into a Laplacian, so that it costs
    as much as the distances do: for :math:`m_{ij} = w_{ij} (\hat y_i - y_i) \cdot (y_j - \hat y_i)` and
    :math:`S = M + M^T` it is :math:`-4 Z^T (\mathrm{diag}(S 1) - S) X`.

    :param matrix: (D, P) the map A.
    :param points: (N, P) x.
    :param targets: (N, T) y.
    :param counted: (N,) bool: whose error is summed; the others are neighbours only.
    :return: the loss, and its gradient (D, P).
    """
    mapped = points @ matrix.T
    weights = leave_one_out_weights(mapped)
    predicted = weights @ targets
    error = (predicted - targets) * counted[:, None]
    pulls = weights * (error @ targets.T - (error * predicted).sum(axis=1, keepdims=True))
    both = pulls + pulls.T
    laplacian = both.sum(axis=1)[:, None] * mapped - both @ mapped
    return float((error**2).sum()), -4 * laplacian.T @ points


def leave_one_out_weights(mapped: np.ndarray) -> np.ndarray:
    """(N, D) to (N, N): how much each point counts for each other, rows summing to 1, nothing for itself."""
    squares = (mapped**2).sum(axis=1)
    distances = squares[:, None] + squares - 2 * (mapped @ mapped.T)
    np.fill_diagonal(distances, np.inf)
    # Less the nearest: of exp(-800) nothing is left, and a row of nothing has no mean.
    weights = np.exp(distances.min(axis=1, keepdims=True) - distances)
    shares: np.ndarray = weights / weights.sum(axis=1, keepdims=True)
    return shares
