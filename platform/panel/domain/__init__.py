"""What pages reckon out of texts: pure."""
