"""The contract: all that somebody outside may rely on. Values only, no clock, no network (but emit/)."""
