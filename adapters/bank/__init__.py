"""The operator's bank: statements and notifications in (camt), payment orders out (pain)."""
