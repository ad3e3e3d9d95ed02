"""The tabletop golf cell: court, ball, club and collector."""
