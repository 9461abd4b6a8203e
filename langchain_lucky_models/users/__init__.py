"""Who may use what, and at whose cost: the house, its users, and their way from a name to those who are asked."""
