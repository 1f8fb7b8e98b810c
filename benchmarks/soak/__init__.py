"""`./dev soak`: what takes minutes to show: conformance, cuts, storms, crowds, stuck readers, garbage and bombs."""
