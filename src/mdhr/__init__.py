"""MDHR: multi-scale dynamic and hierarchical relationship modeling for facial action units."""
