"""What the local web page is made of, see :mod:`mdhr.app`."""
