//! Weight matching of residual networks, from small to very large, and the assignments under it.

use isoloss::tensor::Key;
use serde_json::{Map, Value, json};

use super::{
    assignment::{self, Found},
    rebasin::{self, Pair},
    temporary_folder,
};
use crate::{
    BenchError, Benchmark, Bound, Case, Name, Peak, Target, growth_bytes,
    measure::{Played, Stage, median, time_ms},
};

/// Git Re-Basin's ResNet-20, to which a width is added.
const RESNET20: &str = "resnet20:norm=layer,shortcut=projection3x3,padding=same,eps=1e-6";

/// Those that the peer matches, too.
const WIDTHS: [usize; 3] = [1, 4, 8];

/// Timed matchings of each in a turn.
const RUNS: u64 = 3;

/// Names and specifications of those that the peer is spared.
const LARGE: [(&str, &str); 2] = [("ResNet-50", "resnet50"), (WIDEST, "width=32")];

const WIDEST: &str = "ResNet-20, width 32";

pub(super) fn run(stage: &mut Stage<'_>) -> Result<Benchmark, BenchError> {
    let peak = Peak::measure(stage.executor)?;
    let mut result = Parts::default();
    for (name, spec) in LARGE {
        let spec = if spec.contains('=') { format!("{RESNET20},{spec}") } else { spec.to_owned() };
        large(stage, &Pair::untrained(name, &spec, Key::new(stage.options.seed))?, peak, &mut result)?;
    }
    paired(stage, peak, &mut result)?;
    let Found { cases, played, targets, checks } = assignment::LARGE.hold(stage, Name::Matching)?;
    result.cases.extend(cases);
    result.played.extend(played);
    result.targets.extend(targets);
    result.checks.insert("assignments".to_owned(), checks);
    let title = "weight matching of two untrained residual networks, one start, and large assignments";
    let Parts { cases, played, targets, checks } = result;
    Ok(Benchmark::new(Name::Matching, title, cases, &played, targets, checks.into()))
}

/// What has been found so far.
#[derive(Default)]
struct Parts {
    cases: Vec<Case>,
    played: Vec<Played>,
    targets: Vec<Target>,
    checks: Map<String, Value>,
}

/// Ours alone, once for each round; the memory is that of the first.
fn large(stage: &mut Stage<'_>, pair: &Pair, peak: Peak, result: &mut Parts) -> Result<(), BenchError> {
    let (mut times, mut sweeps, mut growth) = (Vec::new(), Vec::new(), None);
    for round in 0..stage.options.rounds {
        stage.announce(Name::Matching.name(), round, pair.name());
        let key = Key::new(stage.options.seed + round as u64);
        let (grown, (ms, found)) = growth_bytes(|| time_ms(|| pair.matching(stage, key)));
        growth = growth.or(grown);
        times.push(ms);
        sweeps.push(found?.sweeps());
    }
    let held = growth.map(|bytes| (bytes + pair.bytes() as u64) as f64 / 1e9);
    result.targets.extend(large_targets(pair.name(), &times, &sweeps, held));
    let checks = json!({ "sweeps": sweeps, "gigabytes": held });
    result.checks.insert(pair.name().to_owned(), checks);
    let case = Case::new(pair.name(), times, &[])?;
    result.cases.push(Case { floor: Some(pair.floor(peak)?), ..case });
    Ok(())
}

/// The start counts as a sweep: it, too, solves every generator once.
fn large_targets(name: &str, times: &[f64], sweeps: &[usize], gigabytes: Option<f64>) -> Vec<Target> {
    let seconds = median(times) / 1e3;
    if name != WIDEST {
        return vec![Target::new(format!("{name}: seconds"), Some(seconds), Bound::below(5.0))];
    }
    let sweep = times.iter().zip(sweeps).map(|(ms, &sweeps)| ms / 1e3 / (1 + sweeps) as f64);
    let sweep = median(&sweep.collect::<Vec<_>>());
    let shares = (seconds / 60.0).min(sweep / 6.0);
    vec![
        Target::new(format!("{name}: seconds / 60, or of a sweep / 6"), Some(shares), Bound::below(1.0)),
        Target::new(format!("{name}: GB, networks included"), gigabytes, Bound::below(6.0)),
    ]
}

/// Ours and the peer in turn.
fn paired(stage: &mut Stage<'_>, peak: Peak, result: &mut Parts) -> Result<(), BenchError> {
    let folder = temporary_folder()?;
    let key = Key::new(stage.options.seed);
    let pair = |width: usize| {
        Pair::untrained(&format!("ResNet-20, width {width}"), &format!("{RESNET20},width={width}"), key)
    };
    let mut pairs = WIDTHS.into_iter().map(pair).collect::<Result<Vec<Pair>, BenchError>>()?;
    let files = pairs.iter().map(|pair| pair.write(folder.path())).collect::<Result<Vec<_>, _>>()?;
    let call = rebasin::call(&files, RUNS, Bound::at_most(0.2));
    let played = stage.play(Name::Matching.name(), vec![call], |stage, _| {
        pairs.iter_mut().try_for_each(|pair| pair.turn(stage, RUNS))
    })?;
    for pair in &pairs {
        result.cases.push(Case { floor: Some(pair.floor(peak)?), ..pair.case(&played)? });
        result.targets.push(pair.objective_target(&played));
        result.checks.insert(pair.name().to_owned(), pair.checks(&played));
    }
    result.played.extend(played);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn met(name: &str, times: &[f64], sweeps: &[usize], gigabytes: Option<f64>) -> Vec<Option<bool>> {
        large_targets(name, times, sweeps, gigabytes).iter().map(|target| target.met).collect()
    }

    #[test]
    fn the_widest_network_has_a_minute_or_six_seconds_a_sweep_and_its_memory() {
        assert_eq!(met(WIDEST, &[59e3], &[1], Some(5.9)), [Some(true), Some(true)]);
        assert_eq!(met(WIDEST, &[61e3], &[10], Some(6.1)), [Some(true), Some(false)]);
        assert_eq!(met(WIDEST, &[61e3], &[5], None), [Some(false), None]);
    }

    #[test]
    fn the_other_large_network_has_five_seconds() {
        assert_eq!(met("ResNet-50", &[4.9e3], &[20], None), [Some(true)]);
        assert_eq!(met("ResNet-50", &[5.1e3, 5.2e3], &[20, 20], None), [Some(false)]);
    }
}
