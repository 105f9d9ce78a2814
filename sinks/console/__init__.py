"""The screen and the API for people who look at alerts (design section 9)."""
