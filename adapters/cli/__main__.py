"""`python -m adapters.cli`: the command without its script."""

from adapters.cli import main

main()
