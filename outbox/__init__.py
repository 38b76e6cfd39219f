"""The out-tray: sealed answers, kept until collected, written in the transaction of the effect.

Knows names, bytes, digests and times.
"""
