//! Flags that all commands share.

/// Flags that all commands share.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Common options")]
pub(crate) struct Common {
    /// Seed of everything random, a whole number. The same seed gives the same bits, whatever the number of threads
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Threads to compute with, at most 1024; 0 takes all cores
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u16).range(..=1024))]
    pub(crate) threads: u16,
    /// Where to compute: cpu, cuda, or pjrt:FILE with the file of a PJRT plugin, and options after commas: device=N,
    /// device=N+N or device=all (several share the work), devices=N (of a plugin for processors), precision=exact|fast,
    /// cache=DIR|off [default: $ISOLOSS_DEVICE, or cpu]
    #[arg(long, value_name = "SPEC")]
    pub(crate) device: Option<String>,
    /// For debugging: end with an error that names the first value with a NaN or an infinity that is made of finite ones.
    /// Takes twice the time, and memory for all values
    #[arg(long)]
    pub(crate) check_finite: bool,
    /// Print the result as JSON on standard output, and nothing else there
    #[arg(long)]
    pub(crate) json: bool,
    /// No progress on standard error. Without it there is a bar on a terminal, and elsewhere a line every five seconds
    #[arg(long)]
    pub(crate) quiet: bool,
}
