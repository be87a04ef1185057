"""Files of FACS coders and of OpenFace: frame tables, ELAN, BORIS, Noldus Observer and Praat."""
