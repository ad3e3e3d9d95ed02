"""What RViz shows besides cameras and arm: markers, and a dashboard as an image."""
