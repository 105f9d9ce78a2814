"""Nothing missing unnoticed: numbers that never came, sources that fell silent, clocks that are off (issue 6)."""
