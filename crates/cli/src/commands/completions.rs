//! `isoloss completions`: completion scripts.

use clap::Args;
use clap_complete::Shell;
use serde_json::json;

use super::Run;
use crate::{
    cli::Cli,
    common::Common,
    failure::Failure,
    outcome::{Answer, Outcome},
    session::Session,
};

/// Print a script that completes commands and flags in a shell
///
/// The script goes to standard output; the shell reads it from a folder of its own or at each start.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  isoloss completions bash > ~/.local/share/bash-completion/completions/isoloss
  isoloss completions zsh > ~/.zfunc/_isoloss
  isoloss completions fish > ~/.config/fish/completions/isoloss.fish")]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Run for Completions {
    fn common(&self) -> Common {
        Common::default()
    }

    fn run(&self, _: &Session) -> Result<Outcome, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::definition(), "isoloss", &mut script);
        let text = String::from_utf8_lossy(&script).into_owned();
        let json = json!({ "shell": self.shell.to_string(), "script": text });
        Ok(Outcome { answer: Answer::Yes, text, json })
    }
}
