"""From accesses to findings: Faust agents as thin shells around plain functions of values."""
