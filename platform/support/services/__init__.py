"""What is done with questions."""
