//! The commands. Each is one file with its flags and its work, a `mod` line and a line in the list at the end.

mod align;
mod barrier;
mod bench;
mod canonical;
mod compare;
mod completions;
mod convert;
mod data;
mod demo;
mod devices;
mod dump;
mod evaluate;
mod inspect;
mod merge;
mod profile;
mod reproduce;
mod train;

use clap::Subcommand;

use crate::{common::Common, failure::Failure, outcome::Outcome, session::Session};

/// A command with its flags.
pub(crate) trait Run {
    /// The flags that all commands share.
    fn common(&self) -> Common;

    /// Whether it loads plugins of devices that were not asked for.
    fn uses_plugins(&self) -> bool {
        false
    }

    /// Does the work. Nothing is printed but progress.
    fn run(&self, session: &Session) -> Result<Outcome, Failure>;
}

macro_rules! commands {
    ($($module:ident::$Command:ident),* $(,)?) => {
        /// All commands, in the order of the help.
        #[derive(Debug, Subcommand)]
        pub(crate) enum Command {
            $($Command($module::$Command),)*
        }

        impl Run for Command {
            fn common(&self) -> Common {
                match self {
                    $(Self::$Command(command) => command.common(),)*
                }
            }

            fn uses_plugins(&self) -> bool {
                match self {
                    $(Self::$Command(command) => command.uses_plugins(),)*
                }
            }

            fn run(&self, session: &Session) -> Result<Outcome, Failure> {
                match self {
                    $(Self::$Command(command) => command.run(session),)*
                }
            }
        }
    };
}

commands! {
    demo::Demo,
    train::Train,
    evaluate::Evaluate,
    inspect::Inspect,
    align::Align,
    merge::Merge,
    canonical::Canonical,
    convert::Convert,
    barrier::Barrier,
    reproduce::Reproduce,
    dump::Dump,
    profile::Profile,
    compare::Compare,
    data::Data,
    devices::Devices,
    bench::Bench,
    completions::Completions,
}
