"""Pure rules about people: how a number is written, and what messages are for."""
