"""Sample: the hierarchical regression, and the engines that draw from its posterior."""
