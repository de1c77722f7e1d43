"""Reference domain services: separate programs behind the Extension API.

They import nothing of CogWorks but the wire models.
What they can do, a third party can do."""
