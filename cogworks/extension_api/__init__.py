"""Wire models and JSON Schemas of the Extension API.

Pure: no transport, no service and no word of the engine.
Both sides of the wire import it, so neither can drift."""
