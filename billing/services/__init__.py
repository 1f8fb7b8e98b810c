"""The shop's verbs: keywords only, one transaction each, locks in the order customer, node, purchase."""
