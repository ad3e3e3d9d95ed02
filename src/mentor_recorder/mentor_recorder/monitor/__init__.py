"""The live view: a server that speaks Foxglove's protocol, and a page that needs nothing else."""
