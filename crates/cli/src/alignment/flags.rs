//! Flags of the search that several commands have.

use clap::Args;
use isoloss::data::Dataset;

use super::{Method, Plan};
use crate::failure::{CliError, Failure};

/// How long and how often is searched.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct SearchFlags {
    /// Further starts; the best result counts. Those of weight, circuit and learned are the arrangement as it is, then random ones; those of
    /// joint are random
    #[arg(long, value_name = "N")]
    restarts: Option<usize>,
    /// Passes of ste, sinkhorn and learned over the training data (250 and 20 as published, 5), steps of sinkhorn without data
    /// (500), or rounds of circuit at most (100)
    #[arg(long, value_name = "N")]
    rounds: Option<usize>,
    /// Examples of a step of ste and sinkhorn (1000 as published) and of learned (128)
    #[arg(long = "align-batch", value_name = "N")]
    batch: Option<usize>,
}

impl SearchFlags {
    /// What a method is to do with these flags; those that it has no use for are refused.
    pub(crate) fn plan(self, method: Method, data: Option<&Dataset>) -> Result<Plan<'_>, Failure> {
        let is_descent = matches!(method, Method::Ste | Method::Sinkhorn | Method::Learned);
        let used = [
            matches!(method, Method::Weight | Method::Joint | Method::Circuit | Method::Learned),
            is_descent || method == Method::Circuit,
            is_descent && data.is_some(),
        ];
        self.refuse_unused(used, method.name())?;
        if method.needs_data() && data.is_none() {
            return Err(CliError::MatchingNeedsData { method: method.name() }.into());
        }
        let Self { restarts, rounds, batch } = self;
        Ok(Plan { method, restarts: restarts.unwrap_or(0), rounds, batch, data, unfinished: None })
    }

    /// Rounds of a matching layer by layer at most, where they are given; the other flags are refused.
    pub(crate) fn rounds_of_layers(self) -> Result<Option<usize>, Failure> {
        self.refuse_unused([false, true, false], "circuit, layer by layer".to_owned())?;
        Ok(self.rounds)
    }

    /// Refuses all flags, as nothing is matched, or what is done instead has no search.
    pub(crate) fn refuse(self, method: &str) -> Result<(), Failure> {
        self.refuse_unused([false; 3], method.to_owned())
    }

    /// Refuses what is not used, in the order of the flags.
    fn refuse_unused(self, used: [bool; 3], method: String) -> Result<(), Failure> {
        let given = [
            ("--restarts", self.restarts.is_some()),
            ("--rounds", self.rounds.is_some()),
            ("--align-batch", self.batch.is_some()),
        ];
        let mut unused = given.into_iter().zip(used).filter(|((_, is_given), is_used)| *is_given && !is_used);
        match unused.next() {
            Some(((flag, _), _)) => Err(CliError::UnusedFlag { flag, method }.into()),
            None => Ok(()),
        }
    }

    /// The number of further starts.
    pub(crate) fn restarts(self) -> usize {
        self.restarts.unwrap_or(0)
    }
}
