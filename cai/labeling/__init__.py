"""Label methods: how two answers become the probability that one is better."""
