//! Law suites and tolerances for the test suites.
