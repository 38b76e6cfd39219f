"""The evidence pack of a batch: all that proves what was handed in, when, by whom and what became of it.

One sealed container (`signing.container`, ASiC-E) that a third party can judge years later without asking us:
`pack` lays it out, `check` judges it offline. What is in it is said in its own `README.txt`, with commands of
`openssl`, `xmlsec1` and `sha256sum` that judge the same without any program of ours.
"""
