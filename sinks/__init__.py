"""From findings to people and proof."""
