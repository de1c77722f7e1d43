"""Stand-ins for outside systems: ordinary HTTP servers on loopback.

They import nothing of the product and are reached only by address.
They are the embedded default and the test bench, so they refuse what the real ones refuse."""
