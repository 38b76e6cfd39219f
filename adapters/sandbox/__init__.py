"""A gateway to try payroll software on: the real one, with a script at its edge (see docs/decisions/0025)."""
