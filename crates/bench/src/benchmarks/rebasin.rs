//! Weight matching beside Git Re-Basin's, on any two networks of one architecture.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use isoloss::{
    graph::Role,
    models::{Init, Model, Params, weights},
    symmetry::{
        self, Generator, Group, ParameterAxis,
        assignment::maximise,
        matching::{Matching, Options, weight_matching},
    },
    tensor::{DType, Key},
};
use serde_json::{Value, json};

use crate::{
    BenchError, Bound, Case, Floor, Peak, Target,
    measure::{Played, Stage, median, time_ms},
    peer::Call,
};

/// Least part of the peer's objective that ours reaches. Ours: both climb to some local optimum, and in another order to
/// another one; what ends early falls short by more.
const LEAST_OBJECTIVE: f64 = 0.99;

/// Two networks, and what became of matching them.
pub(super) struct Pair {
    name: String,
    /// Permutations alone.
    group: Group,
    networks: [Params; 2],
    times: Vec<f64>,
    sweeps: Vec<usize>,
    objectives: Vec<f64>,
}

impl Pair {
    pub(super) fn new(name: &str, model: &Model, networks: [Params; 2]) -> Self {
        let group = symmetry::infer(&model.forward(1, DType::F32)).permutations();
        let (times, sweeps, objectives) = (Vec::new(), Vec::new(), Vec::new());
        Self { name: name.to_owned(), group, networks, times, sweeps, objectives }
    }

    /// Two networks with PyTorch's initialisation.
    pub(super) fn untrained(name: &str, spec: &str, key: Key) -> Result<Self, BenchError> {
        let model = Model::parse(spec)?;
        let networks = ["a", "b"].map(|name| model.init(Init::PyTorch, key.child(name)));
        Ok(Self::new(name, &model, networks))
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Bytes of both networks.
    pub(super) fn bytes(&self) -> usize {
        let elements = self.networks.iter().flat_map(Params::values).map(|tensor| tensor.shape().elements());
        elements.sum::<usize>() * size_of::<f32>()
    }

    /// Writes what the peer reads, as its script says; returns the file.
    pub(super) fn write(&self, folder: &Path) -> Result<PathBuf, BenchError> {
        let path = folder.join(&self.name).with_extension("safetensors");
        let counted = self.group.subjects().iter().filter(|subject| subject.role == Role::Parameter);
        let names: Vec<&str> = counted.map(|subject| subject.name.as_str()).collect();
        let sides = ["a", "b"].iter().zip(&self.networks);
        let tensors = sides.flat_map(|(side, network)| {
            let found = names.iter().filter_map(|name| Some((name, network.get(name)?)));
            found.map(move |(name, tensor)| (format!("{side}.{name}"), tensor.clone()))
        });
        let metadata = BTreeMap::from([("problem".to_owned(), self.described(&names).to_string())]);
        weights::save(&path, &Params::from_pairs(tensors), &metadata)?;
        Ok(path)
    }

    fn described(&self, names: &[&str]) -> Value {
        let axis = |action: &ParameterAxis| {
            let slots = &action.slots;
            let is_whole = slots.block == 1 && slots.indices.iter().copied().eq(0..slots.indices.len());
            let mut axis = json!({ "parameter": action.parameter, "axis": action.axis });
            if !is_whole {
                axis["indices"] = json!(slots.indices);
            }
            axis
        };
        let generator = |generator: &Generator| {
            let counted =
                generator.actions.iter().filter(|action| names.contains(&action.parameter.as_str()));
            json!({ "size": generator.size, "axes": counted.map(axis).collect::<Vec<_>>() })
        };
        let generators: Vec<Value> = self.group.generators().iter().map(generator).collect();
        json!({ "name": self.name, "generators": generators })
    }

    /// Matches once, with an order of generators that is drawn from `key`.
    pub(super) fn matching(&self, stage: &Stage<'_>, key: Key) -> Result<Matching, BenchError> {
        let (options, [a, b]) = (Options { key, ..Options::default() }, &self.networks);
        Ok(weight_matching(stage.executor, &self.group, a, b, &options)?)
    }

    /// One matching to warm up, then those that are timed.
    pub(super) fn turn(&mut self, stage: &Stage<'_>, runs: u64) -> Result<(), BenchError> {
        self.matching(stage, Key::new(stage.options.seed))?;
        for seed in 0..runs {
            let (ms, found) = time_ms(|| self.matching(stage, Key::new(stage.options.seed + seed)));
            let found = found?;
            self.times.push(ms);
            self.objectives.push(found.objective);
            self.sweeps.push(found.sweeps());
        }
        Ok(())
    }

    pub(super) fn case(&self, played: &[Played]) -> Result<Case, BenchError> {
        Case::new(&self.name, self.times.clone(), played)
    }

    /// The objectives that the peer reached, one for each round: medians.
    fn of_peer(&self, played: &[Played]) -> Vec<f64> {
        let cases = played.iter().flat_map(|side| &side.reports).flat_map(|report| &report.cases);
        cases.filter(|case| case.name == self.name).filter_map(|case| case.objective).collect()
    }

    /// A peer that is present says what it reached; if it does not, the target is missed.
    pub(super) fn objective_target(&self, played: &[Played]) -> Target {
        let present = played.iter().any(|side| side.absent.is_none());
        let part = present.then(|| median(&self.objectives) / median(&self.of_peer(played)));
        let what = format!("objective / the peer's, medians, {}", self.name);
        Target::new(what, part, Bound::at_least(LEAST_OBJECTIVE))
    }

    pub(super) fn checks(&self, played: &[Played]) -> Value {
        json!({
            "objectives": self.objectives,
            "sweeps": self.sweeps,
            "objectives_of_peer": self.of_peer(played),
        })
    }

    /// What no matching can do without: the matrix products of every generator's gains once, and its assignment.
    pub(super) fn floor(&self, peak: Peak) -> Result<Floor, BenchError> {
        let operations: f64 = self.group.generators().iter().map(|each| self.operations(each)).sum();
        let (products, assignments) = (peak.flops_ms(operations), assignments_ms(self.group.generators())?);
        let how = format!(
            "{:.3} GFLOP at {:.0} GFLOP/s, and {assignments:.1} ms for an assignment of each generator",
            operations / 1e9,
            peak.gflops
        );
        Ok(Floor { ms: products + assignments, how })
    }

    fn operations(&self, generator: &Generator) -> f64 {
        let counted = generator.actions.iter().filter_map(|action| {
            let found = |subject: &&symmetry::Subject| {
                subject.name == action.parameter && subject.role == Role::Parameter
            };
            Some((action, &self.group.subjects().iter().find(found)?.shape))
        });
        let entries = counted.map(|(action, shape)| {
            action.slots.indices.len() * (shape.elements() / shape[action.axis].max(1))
        });
        2.0 * (generator.size * entries.sum::<usize>()) as f64
    }
}

/// The time of an assignment of independent normal gains for each generator.
fn assignments_ms(generators: &[Generator]) -> Result<f64, BenchError> {
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    generators.iter().for_each(|generator| *counts.entry(generator.size).or_default() += 1);
    let times = counts.into_iter().map(|(n, count)| {
        let key = Key::new(n as u64);
        let gains: Vec<f32> = (0..n * n).map(|index| key.normal(index as u64) as f32).collect();
        let (ms, solved) = time_ms(|| maximise(&gains, n, None));
        solved?;
        Ok(count as f64 * ms)
    });
    times.sum()
}

/// The peer, on these files, with so many timed matchings of each.
pub(super) fn call(files: &[PathBuf], runs: u64, bound: Bound) -> Call {
    let mut call = Call::new(
        "Git Re-Basin, JAX and SciPy",
        "rebasin_weight_matching.py",
        &["--runs", &runs.to_string(), "--problem"],
    );
    call.arguments.extend(files.iter().map(|file| file.as_os_str().to_owned()));
    call.with_bound(bound)
}

#[cfg(test)]
mod tests {
    use isoloss::symmetry::Slots;

    use super::*;
    use crate::peer::{PeerCase, PeerReport};

    const SPEC: &str = "gpt:layers=1,width=8,heads=2,hidden=12,context=3,vocab=5";

    fn pair() -> Pair {
        Pair::untrained("pair", SPEC, Key::new(1)).unwrap()
    }

    fn played(objective: Option<f64>) -> Played {
        let case = PeerCase { name: "pair".to_owned(), runs_ms: vec![1.0], objective };
        let (version, configuration) = (Value::Null, String::new());
        let report = PeerReport { version, configuration, cases: vec![case], raw: Value::Null };
        Played { call: call(&[], 1, Bound::below(0.5)), reports: vec![report], absent: None }
    }

    #[test]
    fn speed_does_not_count_without_the_objective() {
        let pair = Pair { objectives: vec![99.5, 99.5, 1.0], ..pair() };
        let met = |peer: Played| pair.objective_target(&[peer]).met;
        assert_eq!(met(played(Some(100.0))), Some(true));
        assert_eq!(met(played(Some(101.0))), Some(false));
        assert_eq!(met(played(None)), Some(false), "an unstated objective is not taken on trust");
        let absent = Played { absent: Some("no jax".to_owned()), reports: Vec::new(), ..played(None) };
        assert_eq!(met(absent), None);
    }

    #[test]
    fn the_file_has_both_networks_and_every_axis_that_moves() {
        let (pair, folder) = (pair(), tempfile::tempdir().unwrap());
        let file = weights::load(&pair.write(folder.path()).unwrap()).unwrap();
        let described: Value = serde_json::from_str(&file.metadata["problem"]).unwrap();
        let generators = described["generators"].as_array().unwrap();
        assert_eq!(generators.len(), pair.group.generators().len());
        for (described, generator) in generators.iter().zip(pair.group.generators()) {
            assert_eq!(described["size"], generator.size);
            for (axis, action) in described["axes"].as_array().unwrap().iter().zip(&generator.actions) {
                assert_eq!(axis["parameter"], action.parameter.as_str());
                let whole = action.slots == Slots::whole(action.slots.indices.len());
                assert_eq!(axis.get("indices").is_none(), whole);
                for side in ["a", "b"] {
                    let name = format!("{side}.{}", action.parameter);
                    assert!(file.params.get(&name).is_some(), "{name}");
                }
            }
        }
    }

    #[test]
    fn the_floor_counts_every_axis_once() {
        let pair = Pair::untrained("mlp", "mlp:3-4-5-2", Key::new(0)).unwrap();
        let operations: f64 = pair.group.generators().iter().map(|each| pair.operations(each)).sum();
        let expected = 2.0 * (4.0 * (12.0 + 4.0 + 20.0) + 5.0 * (20.0 + 5.0 + 10.0));
        assert_eq!(operations, expected);
    }
}
