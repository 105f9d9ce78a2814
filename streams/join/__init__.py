"""Time logic: facts as of (valid, known), completeness, open accesses, reconcile. Pure: no clock, no network."""
