"""The shop's rules as pure functions: what grants add up to, what a plan costs, when a month ends."""
