"""The method written as plainly as can be: what the fast code is held against, in outcome and in time.

Default memory layout, float32, strided convolutions, one module and one turn of a loop for every action unit, Pillow,
Python loops. Nothing here is used by the project itself.
"""
