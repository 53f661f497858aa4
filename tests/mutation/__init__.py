"""Whether the tests notice small defects in the code that decides."""
