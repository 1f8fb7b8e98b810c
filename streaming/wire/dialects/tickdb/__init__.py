"""TickDB's language: symbols with a suffix, prices as texts, times in ms."""
