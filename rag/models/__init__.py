"""Weights that ship with the package, each with where it came from."""
