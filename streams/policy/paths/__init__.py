"""One module per explanation path, strangers to each other; `explain` at an instant, `shares` over a time."""
