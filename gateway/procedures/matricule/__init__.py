"""Procedures about the numbers of persons."""
