//! Side-by-side benchmarks against other tools.
//!
//! A benchmark times our own work and, where they are installed, that of the scripts in `bench/peers`: ours, the first
//! peer, the second peer, and again, round after round, so that a machine that grows slower does so for all. [`run()`]
//! gives medians, the ratios of ours to each peer's, and whether the [`Target`]s are met; [`text()`] shows it and
//! [`write()`] keeps every number.
//!
//! Nothing else may run on the machine meanwhile. That is looked at before every turn and said with the result
//! ([`Load::quiet`]), because what suffers most from a busy neighbour are the peers that wait by spinning.

mod benchmarks;
mod date;
mod document;
mod error;
mod growth;
mod load;
mod machine;
mod measure;
mod options;
mod peak;
mod peer;
mod result;
mod run;
mod target;
mod trial;
mod view;

pub use document::with_engine_tables;
pub use error::BenchError;
pub use growth::growth_bytes;
pub use load::Load;
pub use machine::Machine;
pub use options::{Name, Options, Part, data_folders};
pub use peak::Peak;
pub use result::{Benchmark, Case, Floor, PeerRecord, Rival, Series};
pub use run::{RUNS_FOLDER, Run, default_file, run, write};
pub use target::{Bound, Relation, Target};
pub use view::text;
