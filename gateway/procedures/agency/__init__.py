"""Procedures of temporary-work agencies."""
