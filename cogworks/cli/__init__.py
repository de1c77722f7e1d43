"""The door for people: parse the command line, call one function, print.

Nothing is decided here.
Exit codes and the JSON document are its contract."""
