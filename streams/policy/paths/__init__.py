"""One module per explanation path, strangers to each other; each answers `explain`."""
