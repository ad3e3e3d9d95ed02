"""From stamped camera images and motions to stacked observations."""
