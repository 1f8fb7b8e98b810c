"""iTick's language: symbols as `code$region`, assets as paths, one-letter names in its JSON."""
