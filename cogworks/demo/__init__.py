"""The main job on one machine: start everything, play the human, verify from outside.

It drives the product only by its commands and over HTTP.
The verifier is a process of its own that trusts nothing it was told by the product."""
