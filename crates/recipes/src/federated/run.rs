//! One repetition: rounds of local training and averaging for each way of bringing clients together.

use std::{
    fs,
    path::{Path, PathBuf},
};

use data::Splits as DataSplits;
use models::{Init, Loss, Model, Params, weights};
use symmetry::Certified;
use tensor::Key;
use train::Config;

use super::{
    result::{FederatedPlan, FederatedResult, Round, Trajectory, name},
    settings::Start,
};
use crate::{
    Progress, RecipeError, certified,
    estimate::FORWARD,
    measure::Measure,
    repetitions::Plan,
    result::Score,
    scored::Scored,
    setting::Setting,
    share::{self, Share},
    store,
    together::{self, Method, Problem},
    training,
};

impl FederatedPlan {
    /// The seed of a client's training in a round, both counted from 0; of the network of all data where `client` is their number.
    const fn seed_of(&self, round: usize, client: usize) -> u64 {
        self.seed + (round * (self.clients + 1) + client) as u64
    }

    /// The specification of a client's share.
    fn share(&self, client: usize) -> String {
        Share(&self.share).spec(&self.data, client, self.seed_of(0, client))
    }

    fn config(&self, round: usize, client: usize) -> Config {
        let config = self.training.config(&self.share(client), self.seed_of(round, client), self.epochs);
        Config { evaluate_every: 0, ..config }
    }

    /// The configuration of the network of all data.
    fn joint(&self) -> Config {
        self.training.config(&self.data, self.seed_of(0, self.clients), self.rounds * self.epochs)
    }

    fn key(&self) -> Key {
        Key::new(self.seed).child("federated")
    }

    fn result_file(&self, folder: &Path) -> PathBuf {
        folder.join(format!("federated-{}.json", self.seed))
    }
}

impl Plan for FederatedPlan {
    type Result = FederatedResult;

    fn config(&self) -> Config {
        self.joint()
    }

    fn stored(&self, folder: &Path) -> Result<Option<FederatedResult>, RecipeError> {
        store::read_of(&self.result_file(folder), |result: &FederatedResult| result.plan == *self)
    }

    /// The network of all data with a test after every epoch, the clients' trainings, of which those before the first average are shared,
    /// and the scores after them. Shares are taken to be as large as the first.
    fn steps(&self, data: &DataSplits) -> Result<f64, RecipeError> {
        let (all, test) = (data.train.len(), data.test.len() as f64);
        let own = share::load(&self.share(0), data)?.train.len();
        let Self { clients, rounds, epochs, training, .. } = self;
        let ways = self.methods.len() + 1;
        let trainings = (clients * (1 + ways * (rounds - 1))) as f64;
        let trained = trainings * (epochs * own.div_ceil(training.batch)) as f64;
        let joint = (rounds * epochs) as f64;
        let averages = (ways * rounds + 1) as f64;
        let forward = trainings * (own as f64 + test)
            + joint * test
            + averages * (self.scored.unwrap_or(all) as f64 + test);
        let joint = joint * all.div_ceil(training.batch) as f64;
        Ok(trained + joint + FORWARD * forward / training.batch as f64)
    }

    fn run(
        &self,
        setting: Setting<'_>,
        data: &DataSplits,
        folder: &Path,
        progress: &mut dyn Progress,
    ) -> Result<FederatedResult, RecipeError> {
        let own = folder.join(format!("seed-{}", self.seed));
        progress.stage("training on all data", None);
        let joint = training::train(setting, &self.joint(), data, &own.join("all"), progress)?;
        let mut rounds = Rounds::new(setting, self, data, own)?;
        let (examples, joint_scored) =
            (rounds.examples(), Scored::of(&rounds.measure.predictions(&joint.params)?));
        let trajectories = self.methods.iter().map(|&method| rounds.all(Some(method), progress));
        let result = FederatedResult {
            plan: self.clone(),
            examples,
            joint: joint_scored,
            history: training::history(&joint),
            trajectories: trajectories.collect::<Result<_, _>>()?,
            random: rounds.all(None, progress)?,
            symmetry: certified::describe(&rounds.certified),
        };
        store::write(&self.result_file(folder), &result)?;
        Ok(result)
    }
}

/// What all rounds of a repetition need.
struct Rounds<'a> {
    setting: Setting<'a>,
    plan: &'a FederatedPlan,
    /// The repetition's own.
    folder: PathBuf,
    model: Model,
    /// What each client has.
    shares: Vec<DataSplits>,
    /// The whole as the model reads it, with as many training examples as networks are scored on.
    data: DataSplits,
    certified: Certified,
    measure: Measure,
}

impl<'a> Rounds<'a> {
    fn new(
        setting: Setting<'a>,
        plan: &'a FederatedPlan,
        whole: &DataSplits,
        folder: PathBuf,
    ) -> Result<Self, RecipeError> {
        let model = Model::parse(&plan.training.model)?;
        let shares = (0..plan.clients).map(|client| share::load(&plan.share(client), whole));
        let shares = shares.collect::<Result<_, _>>()?;
        let data = whole.try_map(|part| evaluate::fit(&model, part))?;
        let train = plan.scored.map_or_else(|| data.train.clone(), |count| data.train.take(count));
        let data = DataSplits { train, ..data };
        let certified = certified::group(setting.executor, &model, plan.key())?;
        let measure = Measure::new(setting.executor, &model, &data, Loss::CrossEntropy)?;
        Ok(Self { setting, plan, folder, model, shares, data, certified, measure })
    }

    fn examples(&self) -> Vec<usize> {
        self.shares.iter().map(|share| share.train.len()).collect()
    }

    /// All rounds of one way of bringing clients together, from where they stand in the folder. Of the averages only the last is kept.
    fn all(
        &mut self,
        method: Option<Method>,
        progress: &mut dyn Progress,
    ) -> Result<Trajectory, RecipeError> {
        let word = method.map_or("random", Method::name);
        let record = self.folder.join(format!("{word}.json"));
        let global = |rounds: usize| self.folder.join(format!("{word}-{rounds}.safetensors"));
        let empty = Trajectory { plan: self.plan.clone(), method, rounds: Vec::new() };
        let is_it = |trajectory: &Trajectory| trajectory.plan == empty.plan;
        let mut trajectory = store::read_of(&record, is_it)?.unwrap_or_else(|| empty.clone());
        let files: Vec<PathBuf> = (0..=self.plan.rounds).map(global).collect();
        let mut begin = match trajectory.rounds.len() {
            0 => None,
            done => Some(self.model.arrange(weights::load(&files[done])?.params)?),
        };
        for round in trajectory.rounds.len()..self.plan.rounds {
            // Before the first average all ways have the same clients.
            let place = if round == 0 { "start".to_owned() } else { format!("{word}-round-{}", round + 1) };
            let place = self.folder.join(place);
            let (found, average) = self.round(method, round, begin.as_ref(), &place, progress)?;
            weights::save(&files[round + 1], &average, &self.model.metadata())?;
            trajectory.rounds.push(found);
            store::write(&record, &trajectory)?;
            if round > 0 {
                removed(&place, fs::remove_dir_all(&place))?;
                removed(&files[round], fs::remove_file(&files[round]))?;
            }
            begin = Some(average);
        }
        Ok(trajectory)
    }

    /// A round: clients train from the last average, are brought together and averaged.
    fn round(
        &mut self,
        method: Option<Method>,
        round: usize,
        begin: Option<&Params>,
        place: &Path,
        progress: &mut dyn Progress,
    ) -> Result<(Round, Params), RecipeError> {
        let common = self.common();
        let begin = begin.or(common.as_ref());
        let (mut clients, mut scores) = (Vec::new(), Vec::new());
        for (client, share) in self.shares.iter().enumerate() {
            let (name, of) = (name(method), self.plan.clients);
            let stage =
                format!("{name}: round {} of {}, client {} of {of}", round + 1, self.plan.rounds, client + 1);
            progress.stage(&stage, None);
            let (config, run) =
                (self.plan.config(round, client), place.join(format!("client-{}", client + 1)));
            let outcome = training::train_from(self.setting, &config, begin, share, &run, progress)?;
            let test = outcome.summary.scores.as_ref().map(|scores| &scores.test);
            scores.extend(test.map(|test| Score { loss: test.loss, accuracy: test.accuracy }));
            clients.push(outcome.params);
        }
        self.setting.check_stop(&self.folder)?;
        let networks: Vec<&Params> = clients.iter().collect();
        let key = self.plan.key().fold(round as u64);
        let group = &self.certified.group;
        let gathered = match method {
            Some(method) => {
                let Self { setting, model, data, .. } = self;
                let key = key.child("matching");
                let problem = Problem { executor: setting.executor, group, model, data: &data.train, key };
                together::gather(problem, method, &networks)?
            }
            None => together::scattered(group, &networks, key.child("control"))?,
        };
        let average = self.measure.settle(gathered.average()?)?;
        let global = Scored::of(&self.measure.predictions(&average)?);
        Ok((Round { clients: scores, global, distances: gathered.distances }, average))
    }

    /// What the clients begin with where it is the same for all.
    fn common(&self) -> Option<Params> {
        // The recipe's text was checked.
        let init = Init::parse(&self.plan.training.init).ok()?;
        let drawn = || self.model.init(init, self.plan.key().child("start"));
        (self.plan.start == Start::Common).then(drawn)
    }
}

/// Whether what is no longer needed is removed; what is not there need not be.
fn removed(path: &Path, result: std::io::Result<()>) -> Result<(), RecipeError> {
    match result {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(RecipeError::Unremovable { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}
