"""What is wrong with a state: kinds of findings, the index that all numbers come from, listing and counting."""
