"""From findings to a human decision: alerts, the acts on them, and who may act (design section 9)."""
