"""Built-in indexes, one a file."""

from __future__ import annotations

from mlfp.hookspecs import OWN, Register, hookimpl


@hookimpl
def register_indexes(register: Register) -> None:
    """Offer them."""
    register(
        "exact",
        "mlfp_plugins.indexes.exact:Exact",
        summary="Every vector is compared, in blocks: finds every neighbour, and needs nothing installed.",
        paper=OWN,
    )
    register(
        "faiss-flat",
        "mlfp_plugins.indexes.faiss_flat:FaissFlat",
        summary="faiss: every vector is compared; the fastest exact search for a few queries.",
        paper="Douze et al. 2024, The Faiss library, arXiv 2401.08281",
        extras=("cpu",),
    )
    register(
        "faiss-ivf",
        "mlfp_plugins.indexes.faiss_ivf:FaissIVF",
        summary="faiss: only the lists nearest to a query are compared; for hundreds of thousands of scans.",
        paper="Douze et al. 2024, The Faiss library, arXiv 2401.08281; Sivic & Zisserman 2003",
        extras=("cpu",),
    )
