"""What people read on GitHub and in a terminal: values become text, and marked text becomes values again.

No page decides anything and none is posted from here.
It is apart so that what a human sees can be tested byte by byte."""
