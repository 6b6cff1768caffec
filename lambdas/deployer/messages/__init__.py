"""What people read of an outcome: as mail, and in a chat."""
