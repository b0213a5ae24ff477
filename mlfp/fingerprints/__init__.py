"""Fingerprints: the model that makes them, embedding, and the store."""
