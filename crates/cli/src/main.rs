//! The `isoloss` command.

fn main() {}
