//! Whether anything else runs on the machine.

use std::{collections::HashMap, fs, thread, time::Duration};

use serde::Serialize;

/// The most cores that others may keep busy on a quiet machine. Ours: what an idle system's own services need.
const MOST_BUSY_CORES: f64 = 0.1;

/// How long the start is watched.
const FIRST_LOOK: Duration = Duration::from_secs(2);

/// How long the machine is watched before each turn. Ours: enough for a core's share to be told to a few percent.
const LOOK: Duration = Duration::from_millis(500);

/// How many looks at most are waited for a calm one: a peer whose turn has ended may still free memory or spin.
const LOOKS: usize = 10;

/// What else ran on the machine. All is empty where the system does not tell.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Load {
    /// Load averages of 1, 5 and 15 minutes before the first benchmark.
    pub averages_before: Option<[f64; 3]>,
    /// The same after the last, our own work included.
    pub averages_after: Option<[f64; 3]>,
    /// Cores that were busy in the 2 s before the first benchmark.
    pub busy_cores_before: Option<f64>,
    /// The most cores that were busy in the half seconds before the turns, when nothing of ours ran.
    pub busy_cores_between: Option<f64>,
    /// The command that ran most then, if it was not calm.
    pub busiest_between: Option<String>,
    /// Whether nothing else ran as far as all these tell.
    pub quiet: Option<bool>,
}

impl Load {
    /// Looks at the machine before anything has run.
    pub(crate) fn at_start() -> Self {
        let mut load = Self { averages_before: averages(), ..Self::default() };
        load.busy_cores_before = busy_cores(FIRST_LOOK);
        load.judge();
        load
    }

    /// Waits between two turns until the machine is calm, for 5 s at most, and keeps the last look.
    pub(crate) fn between_turns(&mut self) {
        for look in 1..=LOOKS {
            let before = Processes::read();
            let Some(busy) = busy_cores(LOOK) else { return };
            if busy > MOST_BUSY_CORES && look < LOOKS {
                continue;
            }
            if self.busy_cores_between.is_none_or(|most| busy > most) {
                self.busy_cores_between = Some(busy);
                self.busiest_between =
                    if busy > MOST_BUSY_CORES { Processes::read().busiest_since(&before) } else { None };
            }
            break;
        }
        self.judge();
    }

    /// Looks at the load averages once all has run.
    pub(crate) fn at_end(&mut self) {
        self.averages_after = averages();
    }

    fn judge(&mut self) {
        let calm = [self.busy_cores_before, self.busy_cores_between]
            .into_iter()
            .flatten()
            .all(|busy| busy <= MOST_BUSY_CORES);
        self.quiet = self.busy_cores_before.map(|_| calm);
    }

    /// What people should know, in a sentence.
    pub(crate) fn remark(&self) -> String {
        let cores = [self.busy_cores_before, self.busy_cores_between]
            .into_iter()
            .flatten()
            .reduce(f64::max)
            .unwrap_or(0.0);
        let busiest =
            self.busiest_between.as_ref().map(|name| format!(" (most: {name})")).unwrap_or_default();
        match self.quiet {
            Some(true) => "Nothing else ran on the machine.".to_owned(),
            Some(false) => format!(
                "NOT QUIET: others kept up to {cores:.1} cores busy{busiest}. \
                 Do not use these numbers: peers that wait by spinning lose most."
            ),
            None => "Whether anything else ran could not be told on this system.".to_owned(),
        }
    }
}

fn averages() -> Option<[f64; 3]> {
    let text = fs::read_to_string("/proc/loadavg").ok()?;
    let mut numbers = text.split_whitespace().map_while(|word| word.parse().ok());
    Some([numbers.next()?, numbers.next()?, numbers.next()?])
}

/// How many cores are busy on average while this waits.
fn busy_cores(wait: Duration) -> Option<f64> {
    let before = Ticks::read()?;
    thread::sleep(wait);
    Some(Ticks::read()?.busy_cores_since(&before))
}

/// Time of all cores since the system started, in its own small units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ticks {
    total: u64,
    idle: u64,
    cores: usize,
}

impl Ticks {
    fn read() -> Option<Self> {
        Self::parse(&fs::read_to_string("/proc/stat").ok()?)
    }

    /// Reads `cpu user nice system idle iowait irq softirq steal …`, and counts the lines of single cores. Guests are
    /// counted in user time already.
    fn parse(text: &str) -> Option<Self> {
        let line = text.lines().next()?.strip_prefix("cpu ")?;
        let ticks: Vec<u64> = line.split_whitespace().take(8).map_while(|word| word.parse().ok()).collect();
        let cores = text.lines().skip(1).take_while(|line| line.starts_with("cpu")).count();
        let idle = ticks.get(3)? + ticks.get(4)?;
        Some(Self { total: ticks.iter().sum(), idle, cores })
    }

    fn busy_cores_since(&self, before: &Self) -> f64 {
        let total = self.total.saturating_sub(before.total);
        let idle = self.idle.saturating_sub(before.idle);
        self.cores as f64 * total.saturating_sub(idle) as f64 / total.max(1) as f64
    }
}

/// The time that each process has run, by its number. Empty where the system does not tell.
struct Processes(HashMap<u32, (String, u64)>);

impl Processes {
    fn read() -> Self {
        let folders = fs::read_dir("/proc").into_iter().flatten().flatten();
        let numbers = folders.filter_map(|folder| folder.file_name().to_str()?.parse::<u32>().ok());
        let process = |id| Some((id, Self::parse(&fs::read_to_string(format!("/proc/{id}/stat")).ok()?)?));
        Self(numbers.filter_map(process).collect())
    }

    /// Reads `id (command) state …`: user and system time are the 12th and 13th word after the command, which may hold
    /// anything.
    fn parse(text: &str) -> Option<(String, u64)> {
        let (command, rest) = text.split_once('(')?.1.rsplit_once(')')?;
        let times = rest.split_whitespace().skip(11).take(2).map(|word| word.parse::<u64>().ok());
        Some((command.to_owned(), times.sum::<Option<u64>>()?))
    }

    /// The command of the process that has run longest since.
    fn busiest_since(&self, before: &Self) -> Option<String> {
        let ran = |(id, (_, time)): &(&u32, &(String, u64))| {
            time.saturating_sub(before.0.get(*id).map_or(0, |(_, time)| *time))
        };
        self.0.iter().max_by_key(ran).map(|(_, (command, _))| command.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn busy_time_is_what_is_neither_idle_nor_waiting_for_a_disk() {
        let before = Ticks::parse("cpu  100 0 50 800 50 0 0 0 0 0\ncpu0 1\ncpu1 1\nintr 5\n").unwrap();
        let after = Ticks::parse("cpu  150 0 75 900 65 0 0 10 0 0\ncpu0 1\ncpu1 1\nintr 5\n").unwrap();
        assert_eq!(before, Ticks { total: 1000, idle: 850, cores: 2 });
        assert_eq!(after.busy_cores_since(&before), 2.0 * 85.0 / 200.0);
        assert_eq!(before.busy_cores_since(&before), 0.0);
        assert_eq!(Ticks::parse("intr 5"), None);
    }

    #[test]
    fn the_busiest_process_is_named() {
        let line = |command: &str, user: u64| {
            Processes::parse(&format!("7 ({command}) S 1 7 7 0 -1 4 0 0 0 0 {user} 5 0 0 20 0")).unwrap()
        };
        assert_eq!(line("a (b) c", 40), ("a (b) c".to_owned(), 45));
        let before = Processes([(1, line("old", 900)), (2, line("new", 0))].into());
        let after = Processes([(1, line("old", 901)), (2, line("new", 40))].into());
        assert_eq!(after.busiest_since(&before).as_deref(), Some("new"));
    }

    fn judged(load: Load) -> Option<bool> {
        let mut load = load;
        load.judge();
        load.quiet
    }

    #[test]
    fn a_neighbour_at_any_time_makes_a_run_not_quiet() {
        let calm = Load {
            averages_before: Some([0.1, 2.0, 2.0]),
            busy_cores_before: Some(0.02),
            busy_cores_between: Some(0.05),
            ..Load::default()
        };
        assert_eq!(judged(calm.clone()), Some(true));
        assert_eq!(judged(Load { busy_cores_before: Some(1.0), ..calm.clone() }), Some(false));
        assert_eq!(judged(Load { busy_cores_between: Some(0.6), ..calm }), Some(false));
        assert_eq!(judged(Load::default()), None);
    }
}
