"""Opening, several files side by side, saving and exporting."""
