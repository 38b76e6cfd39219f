"""The operator's console: search, the life of a deposit, queues, the desk for special cases, registers.

What a page shows is read by plain functions from the register (`finding`, `life`, `queues`, `cases`,
`lists`); who may see or do it is decided by `access`, by the same table as for commands.
"""
