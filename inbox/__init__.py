"""The in-tray: bytes in, unchanged, each deposit once.

Knows names, bytes, digests and times; nothing of forms, seals or social security.
"""
