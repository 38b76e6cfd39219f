"""The counter: what happens to a batch, by whose right, under which procedure, at which rates.

Knows the domain only: no HTTP, no SFTP, no SQL dialect.
"""
