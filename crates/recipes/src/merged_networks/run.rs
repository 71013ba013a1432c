//! One repetition: train networks, bring them together, average them, and compare the averages with the networks, their ensemble and,
//! where they have shares of the data, a network of all.

use std::path::{Path, PathBuf};

use data::Splits as DataSplits;
use evaluate::Predictions;
use merge::repair::{self, Repair};
use models::{Loss, Model, Params};
use symmetry::Certified;
use tensor::Key;
use train::{Config, Outcome};

use super::result::{MergePlan, MergeResult, Merged};
use crate::{
    Progress, RecipeError, certified,
    estimate::FORWARD,
    measure::Measure,
    repetitions::Plan,
    result::{Curve, Splits},
    scored::{self, Scored},
    setting::Setting,
    share::{self, Share},
    store,
    together::{self, Gathered, Method, Problem},
    training,
};

impl MergePlan {
    /// The configuration of a training: of a network, or the last of the network of all data.
    fn config_of(&self, network: usize) -> Config {
        let data = self.share(network);
        self.training.config(data.as_deref().unwrap_or(&self.data), self.seeds[network], self.epochs)
    }

    /// The specification of a network's share; none of one of all data.
    fn share(&self, network: usize) -> Option<String> {
        let share = self.share.as_deref().filter(|_| network < self.networks)?;
        Some(Share(share).spec(&self.data, network, self.seeds[network]))
    }

    fn key(&self) -> Key {
        Key::new(self.seeds[0]).child("shares")
    }

    fn result_file(&self, folder: &Path) -> PathBuf {
        folder.join(format!("networks-{}-{}.json", self.seeds[0], self.seeds[self.networks - 1]))
    }
}

impl Plan for MergePlan {
    type Result = MergeResult;

    fn config(&self) -> Config {
        self.config_of(self.seeds.len() - 1)
    }

    fn stored(&self, folder: &Path) -> Result<Option<MergeResult>, RecipeError> {
        store::read_of(&self.result_file(folder), |result: &MergeResult| result.plan == *self)
    }

    /// All trainings with their tests after every epoch, and the scores. Shares are taken to be as large as the first.
    fn steps(&self, data: &DataSplits) -> Result<f64, RecipeError> {
        let (all, test) = (data.train.len(), data.test.len() as f64);
        let own = self.share(0).map(|spec| share::load(&spec, data)).transpose()?;
        let own = own.map_or(all, |own| own.train.len());
        let others = self.seeds.len() - self.networks;
        let (batch, epochs) = (self.training.batch, self.epochs as f64);
        let trained = epochs * (self.networks * own.div_ceil(batch) + others * all.div_ceil(batch)) as f64;
        let tested = epochs * self.seeds.len() as f64 * test;
        let variants = if self.repair { 2 } else { 1 };
        let averages = (self.methods.len() + 1) * (variants + self.points);
        let scored = self.scored.unwrap_or(all) as f64 + test;
        let forward = tested + (self.seeds.len() + averages) as f64 * scored;
        Ok(trained + FORWARD * forward / batch as f64)
    }

    fn run(
        &self,
        setting: Setting<'_>,
        data: &DataSplits,
        folder: &Path,
        progress: &mut dyn Progress,
    ) -> Result<MergeResult, RecipeError> {
        let (outcomes, examples) = trained(setting, self, data, folder, progress)?;
        progress.stage("finding and proving the symmetry", None);
        let model = Model::parse(&self.training.model)?;
        let mut merging = Merging::new(setting, self, &model, data, folder)?;
        let (networks, joint) = outcomes.split_at(self.networks);
        let networks: Vec<&Params> = networks.iter().map(|outcome| &outcome.params).collect();
        progress.stage("scoring the networks", Some(outcomes.len() as u64));
        let mut predictions = |params: &Params| {
            setting.check_stop(folder)?;
            let predictions = merging.measure.predictions(params);
            progress.tick();
            predictions
        };
        let members = networks.iter().map(|params| predictions(params)).collect::<Result<Vec<_>, _>>()?;
        let joint = joint.first().map(|outcome| predictions(&outcome.params)).transpose()?;
        let merged = self.methods.iter().map(|&method| merging.merged(Some(method), &networks, progress));
        let result = MergeResult {
            plan: self.clone(),
            examples,
            ensemble: Scored::of(&scored::ensemble(&members)),
            parents: members.iter().map(Scored::of).collect(),
            joint: joint.as_ref().map(Scored::of),
            histories: outcomes.iter().map(training::history).collect(),
            merged: merged.collect::<Result<_, _>>()?,
            random: merging.merged(None, &networks, progress)?,
            symmetry: certified::describe(&merging.certified),
        };
        store::write(&self.result_file(folder), &result)?;
        Ok(result)
    }
}

/// All trained networks, and how many examples each had.
fn trained(
    setting: Setting<'_>,
    plan: &MergePlan,
    data: &DataSplits,
    folder: &Path,
    progress: &mut dyn Progress,
) -> Result<(Vec<Outcome>, Vec<usize>), RecipeError> {
    let (mut outcomes, mut examples) = (Vec::new(), Vec::new());
    for (network, seed) in plan.seeds.iter().enumerate() {
        let own = plan.share(network).map(|spec| share::load(&spec, data)).transpose()?;
        let what = if own.is_some() { format!("share {}", network + 1) } else { "all data".to_owned() };
        progress.stage(&format!("training on {what}, seed {seed}"), None);
        let run = folder.join(format!("seed-{seed}"));
        let splits = own.as_ref().unwrap_or(data);
        outcomes.push(training::train(setting, &plan.config_of(network), splits, &run, progress)?);
        examples.push(splits.train.len());
    }
    Ok((outcomes, examples))
}

/// What averages are made and compared with.
struct Merging<'a> {
    setting: Setting<'a>,
    plan: &'a MergePlan,
    folder: &'a Path,
    model: &'a Model,
    /// As the model reads them, with as many training examples as networks are compared on.
    data: DataSplits,
    certified: Certified,
    measure: Measure,
    repair: Option<Repair>,
}

impl<'a> Merging<'a> {
    fn new(
        setting: Setting<'a>,
        plan: &'a MergePlan,
        model: &'a Model,
        data: &DataSplits,
        folder: &'a Path,
    ) -> Result<Self, RecipeError> {
        let data = data.try_map(|part| evaluate::fit(model, part))?;
        let train = plan.scored.map_or_else(|| data.train.clone(), |count| data.train.take(count));
        let data = DataSplits { train, ..data };
        let certified = certified::group(setting.executor, model, plan.key())?;
        let measure = Measure::new(setting.executor, model, &data, Loss::CrossEntropy)?;
        let key = plan.key().child("repair");
        let prepared =
            || Repair::new(setting.executor, model, &certified.group, &data.train, repair::EXAMPLES, key);
        let repair = plan.repair.then(prepared).transpose()?;
        Ok(Self { setting, plan, folder, model, data, certified, measure, repair })
    }

    /// What comes of a method, or of random permutations where none is given.
    fn merged(
        &mut self,
        method: Option<Method>,
        networks: &[&Params],
        progress: &mut dyn Progress,
    ) -> Result<Merged, RecipeError> {
        self.setting.check_stop(self.folder)?;
        let name = method.map_or("random permutations", Method::name);
        progress.stage(&format!("bringing together: {name}"), None);
        let key = self.plan.key();
        let problem = Problem {
            executor: self.setting.executor,
            group: &self.certified.group,
            model: self.model,
            data: &self.data.train,
            key: key.child("matching"),
        };
        let gathered = match method {
            Some(method) => together::gather(problem, method, networks)?,
            None => together::scattered(problem.group, networks, key.child("control"))?,
        };
        let repaired =
            self.repair.as_mut().map(|repair| together::repaired(repair, &gathered)).transpose()?;
        Ok(Merged {
            method,
            distances: gathered.distances,
            seconds: gathered.seconds,
            average: Scored::of(&self.predictions(gathered.average()?)?),
            repaired: repaired
                .map(|params| Ok::<_, RecipeError>(Scored::of(&self.predictions(params)?)))
                .transpose()?,
            segment: self.segment(name, &gathered, progress)?,
        })
    }

    /// What new weights predict, with running statistics that are measured anew where there are some.
    fn predictions(&mut self, params: Params) -> Result<Splits<Predictions>, RecipeError> {
        let params = self.measure.settle(params)?;
        self.measure.predictions(&params)
    }

    fn segment(
        &mut self,
        name: &str,
        gathered: &Gathered,
        progress: &mut dyn Progress,
    ) -> Result<Option<Splits<Curve>>, RecipeError> {
        let ([a, b], points @ 1..) = (&gathered.networks[..], self.plan.points) else { return Ok(None) };
        progress.stage(&format!("segment, {name}"), Some(points as u64));
        let mut as_it_is = |_, params| Ok(params);
        self.measure.segment([a, b], points, &mut as_it_is, &mut || progress.tick()).map(Some)
    }
}
