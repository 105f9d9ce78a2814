"""The command `needtoknow`: one module a sub-command."""
