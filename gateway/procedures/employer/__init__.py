"""Employers: their registration and names, and the mandates of those who act for them."""
