"""The nouns that every layer shares; none imports torch."""
