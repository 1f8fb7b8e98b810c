"""Where a customer may be placed, as pure functions."""
