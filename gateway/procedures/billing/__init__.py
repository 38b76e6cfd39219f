"""What concerns the account statement."""
