"""What only the tables need: studies as data, the grid of their cells, and the report."""
