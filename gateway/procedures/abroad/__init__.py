"""Work abroad: activities for which Luxembourg's social security goes on."""
