//! The `isoloss` command.
//!
//! Each command is one file under `commands/`: its flags and what it does with them. A command returns an
//! [`outcome::Outcome`] and never prints; [`output`] does.

mod alignment;
mod cli;
mod commands;
mod common;
mod comparison;
mod drawing;
mod failure;
mod footprint;
mod graphs;
mod guard;
mod help;
mod hub;
mod json;
mod measure;
mod networks;
mod outcome;
mod output;
mod place;
mod profiling;
mod progress;
mod session;
mod size;
mod stamp;
mod stop;
mod watch;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
