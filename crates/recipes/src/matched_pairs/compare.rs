//! Two trained networks compared: matched, and connected by segments.

use std::path::{Path, PathBuf};

use data::{Dataset, Splits as DataSplits};
use models::{Loss, Model, Params};
use symmetry::{Certified, matching::learned::Unfinished};
use train::Outcome;

use super::{
    method::{self, Problem},
    result::{Aligned, PairPlan, PairResult},
};
use crate::{
    Progress, RecipeError, certified,
    measure::Measure,
    result::{Curve, Score, Splits},
    setting::Setting,
    training,
};

/// What is the same after all epochs of a pair: the symmetry, and the compiled passes.
pub(crate) struct Comparison<'a> {
    setting: Setting<'a>,
    plan: &'a PairPlan,
    folder: &'a Path,
    model: Model,
    /// As the model reads them, with as many training examples as networks are compared on.
    data: DataSplits,
    /// All training examples.
    training: Dataset,
    certified: Certified,
    measure: Measure,
}

impl<'a> Comparison<'a> {
    /// Finds and proves the symmetry, and compiles the passes.
    pub(crate) fn new(
        setting: Setting<'a>,
        plan: &'a PairPlan,
        data: &DataSplits,
        folder: &'a Path,
        progress: &mut dyn Progress,
    ) -> Result<Self, RecipeError> {
        progress.stage("finding and proving the symmetry", None);
        let model = Model::parse(&plan.training.model)?;
        let training = data.train.clone();
        let data = compared_on(plan, &model, data)?;
        let certified = certified::group(setting.executor, &model, plan.key())?;
        let measure = Measure::new(setting.executor, &model, &data, Loss::CrossEntropy)?;
        Ok(Self { setting, plan, folder, model, data, training, certified, measure })
    }

    /// Compares the networks as they were after an epoch.
    pub(crate) fn after(
        &mut self,
        epoch: usize,
        outcomes: &[Outcome; 2],
        unfinished: Unfinished<'_>,
        progress: &mut dyn Progress,
    ) -> Result<PairResult, RecipeError> {
        let [a, b] = [0, 1].map(|network| self.weights(epoch, outcomes, network));
        let (a, b) = (a?, b?);
        let group = self.certified.group.clone();
        let mut aligned = Vec::new();
        for &method in &self.plan.methods {
            self.setting.check_stop(self.folder)?;
            progress.stage(&format!("matching by {}, epoch {epoch}", method.name()), None);
            let (moved, matching) = method::align(self.problem(unfinished), method, [&a, &b], progress)?;
            let title = format!("segment, matched by {}, epoch {epoch}", method.name());
            let segment = self.segment(&title, [&a, &moved], progress)?;
            aligned.push(Aligned { method, matching, segment });
        }
        let chance = group.random_permutation(self.plan.key().child("control"));
        let title = format!("segment, naive, epoch {epoch}");
        let naive = self.segment(&title, [&a, &b], progress)?;
        let title = format!("segment, random permutation, epoch {epoch}");
        let random = self.segment(&title, [&a, &group.act(&chance, &b)?], progress)?;
        Ok(PairResult {
            plan: self.plan.clone(),
            epoch,
            parents: [ends(&naive, 0), ends(&naive, self.plan.points - 1)],
            history: outcomes.each_ref().map(training::history),
            symmetry: certified::describe(&self.certified),
            naive,
            aligned,
            random,
        })
    }

    fn problem<'b>(&'b self, unfinished: Unfinished<'b>) -> Problem<'b> {
        Problem {
            executor: self.setting.executor,
            group: &self.certified.group,
            model: &self.model,
            data: &self.data.train,
            training: &self.training,
            descent: self.plan.learned.unwrap_or_default(),
            unfinished: Some(unfinished),
            restarts: self.plan.restarts,
            key: self.plan.key().child("matching"),
        }
    }

    /// The weights of a network after an epoch.
    fn weights(&self, epoch: usize, outcomes: &[Outcome; 2], network: usize) -> Result<Params, RecipeError> {
        if epoch == self.plan.last_epoch() {
            return Ok(outcomes[network].params.clone());
        }
        let run = self.plan.run_folder(self.folder, self.plan.seeds[network]);
        let path: PathBuf = run.join(train::snapshot_file(epoch));
        Ok(models::load_model(&path, Some(&self.plan.training.model))?.1)
    }

    fn segment(
        &mut self,
        title: &str,
        [a, b]: [&Params; 2],
        progress: &mut dyn Progress,
    ) -> Result<Splits<Curve>, RecipeError> {
        self.setting.check_stop(self.folder)?;
        progress.stage(title, Some(self.plan.points as u64));
        self.measure.segment([a, b], self.plan.points, &mut |_, params| Ok(params), &mut || progress.tick())
    }
}

/// The data as the model reads them, with as many training examples as networks are compared on.
pub(crate) fn compared_on(
    plan: &PairPlan,
    model: &Model,
    data: &DataSplits,
) -> Result<DataSplits, RecipeError> {
    let data = data.try_map(|part| evaluate::fit(model, part))?;
    let train = plan.scored.map(|count| data.train.take(count));
    Ok(DataSplits { train: train.unwrap_or_else(|| data.train.clone()), ..data })
}

fn ends(segment: &Splits<Curve>, point: usize) -> Splits<Score> {
    Splits { train: segment.train.score(point), test: segment.test.score(point) }
}
