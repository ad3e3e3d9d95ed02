"""What every node of a cell has: lifecycle, parameters, diagnostics, peers, actions."""
