//! `isoloss bench`: times against other tools.

use std::{
    env,
    path::{Path, PathBuf},
};

use bench::{BenchError, Name, Options, Part};
use clap::{Args, builder::PossibleValuesParser};

use super::Run;
use crate::{
    common::Common,
    failure::Failure,
    outcome::{Answer, Outcome},
    output, place,
    progress::Progress,
    session::Session,
    size,
};

/// The folder of the peers' scripts, from the repository's root.
const SCRIPTS: &str = "bench/peers";

/// Compare the speed with that of other tools
///
/// Times ours and each peer in turn and prints medians and ratios, the worst first. To be run in the repository on a
/// machine that does nothing else; docs/benchmarks.md says how to read the numbers.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 no target is missed, 1 a target is missed, 2 an error; with --require-peers an absent peer is an error, and
without it a missed target in engine. What is finished is in the file at any time, so a run that ends early loses only what it
was at; parts of engine can be run one by one.

Examples:
  bench/peers/install.sh
  isoloss bench mlp-step --threads 2 --require-peers
  isoloss bench engine --threads 2 --only mlp,gpt --runs 2
  isoloss bench devices --threads 2 --device pjrt:FILE,cache=off --only mlp,resnet20
  isoloss bench cifar-epoch --threads 2 --data cifar10:data/cifar10 --runs 2
  isoloss bench all --threads 2 --data mnist:data/mnist --data cifar10:data/cifar10 --json")]
pub(crate) struct Bench {
    /// The benchmark
    #[arg(value_name = "NAME", value_parser = PossibleValuesParser::new(Name::NAMES))]
    name: String,
    /// Turns of each side
    #[arg(long, value_name = "N", default_value_t = 3)]
    runs: usize,
    /// The virtual environment that bench/peers/install.sh made
    #[arg(long, value_name = "DIR", default_value = ".peers")]
    peers: PathBuf,
    /// Fail where a peer is absent
    #[arg(long)]
    require_peers: bool,
    /// MNIST for mnist-train: mnist:DIR, CIFAR-10 for cifar-epoch: cifar10:DIR; to be repeated
    #[arg(long, value_name = "SPEC")]
    data: Vec<String>,
    /// For weight-matching: the network that stays as it is, a run folder or .safetensors file of
    /// mlp:784-512-512-512-10 [default: an untrained one]
    #[arg(long, value_name = "MODEL", requires = "b")]
    a: Option<PathBuf>,
    /// For weight-matching: the network whose units are moved
    #[arg(long, value_name = "MODEL", requires = "a")]
    b: Option<PathBuf>,
    /// Parts of engine, of which devices has the networks, separated by commas [default: all]
    #[arg(long, value_name = "PART", value_delimiter = ',', value_parser = PossibleValuesParser::new(Part::NAMES))]
    only: Vec<String>,
    /// Seconds in which a configuration of a peer of engine must be ready to take part; the search among all of them ends
    /// after twice as long for gradients, and for products
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    patience: u32,
    /// For weights and merging: the size of a file that is read [default: 1GB for weights, 673MB for merging]
    #[arg(long, value_name = "SIZE", value_parser = size::parse)]
    size: Option<usize>,
    /// The file for every number, as JSON [default: bench/runs/DATE-NAME.json]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

impl Run for Bench {
    fn common(&self) -> Common {
        self.common.clone()
    }

    fn run(&self, session: &Session) -> Result<Outcome, Failure> {
        let out = self.out.clone().unwrap_or_else(|| bench::default_file(&self.name));
        if out.exists() {
            return Err(BenchError::Exists { path: out }.into());
        }
        place::check_folder(out.parent().unwrap_or(&out))?;
        let options = self.options(session.seed)?;
        let mut notify = |line: &str| match session.progress {
            Progress::Silent => {}
            Progress::Bar | Progress::Lines => output::note(line),
        };
        let mut keep = |run: &bench::Run| bench::write(run, &out);
        let (cpu, device) = if options.names == [Name::Devices] {
            (&isoloss::executor(), session.device())
        } else {
            (session.cpu("bench")?, None)
        };
        let run = bench::run(cpu, device, &options, &mut notify, &mut keep)
            .map_err(|source| cut_off(source, &out))?;
        let text = format!("{}\nEvery number: {}\n", bench::text(&run), out.display());
        let json = serde_json::to_value(&run).map_err(|source| BenchError::Json { source })?;
        Ok(Outcome { answer: Answer::from_claim(run.met != Some(false)), text, json })
    }
}

impl Bench {
    /// In the order of the whole, each once.
    fn parts(&self) -> Vec<Part> {
        let asked = |part: &Part| self.only.is_empty() || self.only.iter().any(|name| name == part.name());
        Part::ALL.into_iter().filter(asked).collect()
    }

    fn options(&self, seed: u64) -> Result<Options, Failure> {
        let [mnist, cifar] = bench::data_folders(&self.data)?;
        Ok(Options {
            names: Name::parse(&self.name)?,
            peers: self.peers.clone(),
            scripts: SCRIPTS.into(),
            require_peers: self.require_peers,
            rounds: self.runs,
            program: env::current_exe()
                .map_err(|source| BenchError::Start { program: "isoloss".into(), source })?,
            mnist,
            cifar,
            networks: self.a.clone().zip(self.b.clone()).map(<[PathBuf; 2]>::from),
            parts: self.parts(),
            patience: self.patience,
            file_bytes: self.size,
            seed,
        })
    }
}

/// Says where what was finished before an error is, if anything was.
fn cut_off(source: BenchError, out: &Path) -> Failure {
    if out.exists() {
        BenchError::CutOff { path: out.to_owned(), source: Box::new(source) }.into()
    } else {
        source.into()
    }
}
