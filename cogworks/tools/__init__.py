"""What a model may call: schema, pure scope check, one port call.

No tool decides what a node is for, and none reaches outside except through a port.
They are apart because a model holds the handle here."""
