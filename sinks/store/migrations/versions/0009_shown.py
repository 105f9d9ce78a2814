"""Rows tell how many others were shown. They come with those that are made anew; no table changes."""

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing but a number, after which rows are made anew."""
