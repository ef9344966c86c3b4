"""The benches: what dropcast costs, beside a floor, its peers and the usual way, measured in turn in one run."""
