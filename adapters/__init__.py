"""The doors (HTTPS, SFTP, command line) and the cellar (database, files, engine).

Knows everything; `serve.py` is the only place that wires.
"""
