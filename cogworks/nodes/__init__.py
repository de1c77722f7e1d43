"""The craft: one file per node of the pipeline, all alike, with prompts beside them.

A node returns an outcome; it never writes run state and never knows another node.
They act on the world only through the workshop they are handed."""
