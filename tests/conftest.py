"""Makes the modules beside this file importable from every test: `from conformance import check_answer`."""
