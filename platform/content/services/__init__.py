"""The verbs: a new version of a text (`texts`), an announcement and its updates (`announcing`), and how both of its
ways out are drawn (`deliveries`, `letters`)."""
