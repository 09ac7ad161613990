"""What tests import: contract suites, manual clock, in-process cluster."""
