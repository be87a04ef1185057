"""ME-GraphAU baseline (Luo et al., IJCAI 2022)."""
