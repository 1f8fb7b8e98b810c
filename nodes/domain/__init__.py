"""What nodes need decided without asking anybody: places, notices, lists of instruments; pure."""
