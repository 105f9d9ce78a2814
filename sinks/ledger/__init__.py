"""The ledger read again: what was judged, checked by somebody who did not judge it."""
