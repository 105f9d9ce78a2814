"""Where acts are kept: SQLite in a file, or PostgreSQL shared by several consoles; one list of promises for both."""
