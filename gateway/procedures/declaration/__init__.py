"""Procedures by which employers declare affiliations and wages."""
