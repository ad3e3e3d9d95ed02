"""Records a cell into bags, replays and compares them, and shows the cell live."""
