"""From what is known to a verdict and its sentences. Pure: no clock, no network."""
