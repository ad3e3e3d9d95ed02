"""What RViz shows beside cameras and arm: markers, and a dashboard as an image."""
