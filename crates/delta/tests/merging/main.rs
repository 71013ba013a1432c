//! Merges of files, against mergekit and against each other.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stderr, reason = "all numbers that differ are shown before a test fails")]

mod adapters;
mod bad_input;
mod goldens;
mod processes;
mod streaming;
mod support;
mod vocabularies;
