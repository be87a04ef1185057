"""Data sets: releases, their prepared form, clips and the data module."""
