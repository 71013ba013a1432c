//! `isoloss merge --method zipit` and `--method pleas`: units of two networks merged cluster by cluster.

use std::path::Path;

use clap::{Args, ValueEnum};
use isoloss::{
    data::{Dataset, Splits as Data},
    models::{Loss, Model, Params, weights},
    recipes::certified,
    symmetry::{
        self, Group,
        matching::{
            partial::{
                self, Budget, Clusters, Options, Similarity, United,
                least_squares::{self, Fit, Merging, Refitted},
                widths::{self, Wider},
            },
            transport,
        },
    },
};
use serde_json::{Value, json};

use super::{
    Merge, Scores,
    gather::Gathered,
    repair::{Done, Renormaliser},
};
use crate::{
    alignment::{Alignment, Unfinished},
    failure::{CliError, Failure},
    json::number,
    measure::{Measure, has_perplexity},
    networks::{self, Network},
    outcome::{Answer, Outcome},
    session::Session,
};

/// How networks become one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Method {
    /// Average the weights, each network aligned to the first
    #[default]
    Average,
    /// Average the weights where all are matched to each other at once, and none is first (Crisostomi et al., 2024); as --align joint
    Universe,
    /// Average the weights where each is matched to the mean of the others, again and again (MergeMany, Ainsworth et al., 2023)
    MergeMany,
    /// Average the weights, pairs first, then pairs of their averages, and so on
    Hierarchical,
    /// Merge the units of two networks that correlate most, also inside of one network (ZipIt, Stoica et al., 2024)
    Zipit,
    /// Merge matched units but for those least alike, and solve for the weights by least squares (PLeaS, Nasery et al., 2025)
    Pleas,
}

impl Method {
    /// Whether weights are averaged, and not units clustered.
    pub(super) const fn averages(self) -> bool {
        !matches!(self, Self::Zipit | Self::Pleas)
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Average => "average",
            Self::Universe => "universe",
            Self::MergeMany => "merge-many",
            Self::Hierarchical => "hierarchical",
            Self::Zipit => "zipit",
            Self::Pleas => "pleas",
        }
    }
}

/// Training examples whose activations are looked at. Ours: of images each pixel is a sample, and correlations of some
/// hundred units have settled.
const EXAMPLES: usize = 2000;

/// Examples on which it is found what makes units: as many as the library asks for.
const TRIED: usize = 4;

/// Flags of merging by clusters.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct ClusterFlags {
    /// How the networks become one
    #[arg(long, value_name = "METHOD", value_enum, default_value_t)]
    pub(super) method: Method,
    /// Of zipit and pleas: share of the units that stay apart, from 0 (the default) to 1; the merged network is that much wider
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    apart: Option<f64>,
    /// Of zipit: factor of the similarity of what was merged already, from 0 to 1 (0.3)
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    alpha: Option<f64>,
    /// Of zipit: share of the mergings that may be inside of one network, from 0 to 1 (0.125)
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    beta: Option<f64>,
    /// Of zipit and pleas: training examples whose activations are looked at, the first ones (2000)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    examples: Option<u32>,
}

impl ClusterFlags {
    /// Each flag, whether it was given, and the methods that look at it.
    fn all(self) -> [(&'static str, bool, &'static [Method]); 4] {
        const BOTH: &[Method] = &[Method::Zipit, Method::Pleas];
        [
            ("--apart", self.apart.is_some(), BOTH),
            ("--alpha", self.alpha.is_some(), &[Method::Zipit]),
            ("--beta", self.beta.is_some(), &[Method::Zipit]),
            ("--examples", self.examples.is_some(), BOTH),
        ]
    }

    /// Refuses what the method does not look at.
    pub(super) fn check(self) -> Result<(), CliError> {
        match self.all().into_iter().find(|(_, given, methods)| *given && !methods.contains(&self.method)) {
            Some((flag, ..)) => Err(unused(flag, self.method)),
            None => Ok(()),
        }
    }

    /// The first flag that was given.
    pub(super) fn given(self) -> Option<&'static str> {
        let method = (self.method != Method::default()).then_some("--method");
        method.or_else(|| self.all().into_iter().find(|(_, given, _)| *given).map(|(flag, ..)| flag))
    }

    fn share(self) -> f64 {
        self.apart.unwrap_or(0.0)
    }

    fn options(self) -> Options {
        let published = Options::default();
        Options { alpha: self.alpha.unwrap_or(published.alpha), beta: self.beta.unwrap_or(published.beta) }
    }

    fn examples(self, data: &Dataset) -> Dataset {
        data.take(self.examples.map_or(EXAMPLES, |examples| examples as usize).min(data.len()))
    }
}

pub(super) fn unused(flag: &'static str, method: Method) -> CliError {
    CliError::UnusedFlag { flag, method: method.name().to_owned() }
}

/// What became of two networks.
struct Clustered {
    network: Network,
    /// Where units are to be given the moments that they have in the networks.
    renormaliser: Option<Renormaliser>,
    similarities: Vec<Similarity>,
    clusters: Vec<Clusters>,
    /// What the clusters keep at most, class by class.
    most: Vec<f64>,
    budget: Option<Budget>,
    /// Of pleas.
    fitted: Option<Refitted>,
    alignments: Vec<Alignment>,
}

/// Which units become one, in an architecture of as many.
struct Choice {
    model: Model,
    clusters: Vec<Clusters>,
    budget: Option<Budget>,
}

impl Merge {
    /// Merges two networks by clusters of their units.
    pub(super) fn by_clusters(&self, session: &Session, out: &Path) -> Result<Outcome, Failure> {
        let method = self.clustering.method;
        if self.networks.len() != 2 {
            let what = format!("merging by {}", method.name());
            return Err(CliError::TwoNetworks { what, found: self.networks.len(), hint: "" }.into());
        }
        if self.repair.is_closed() {
            return Err(CliError::ClosedForm { method: method.name() }.into());
        }
        let unused_flags = [("--at", self.at.is_some()), ("--report", self.report.is_some())];
        if let Some((flag, _)) = unused_flags.into_iter().find(|(_, given)| *given) {
            return Err(unused(flag, method).into());
        }
        if method == Method::Zipit {
            if self.align.is_some() {
                return Err(unused("--align", method).into());
            }
            self.search.refuse(method.name())?;
        }
        let Some(data) = self.data.as_deref() else {
            return Err(CliError::MatchingNeedsData { method: method.name().to_owned() }.into());
        };
        let networks = networks::load_alike(&self.networks, self.architecture.spec())?;
        let loss = self.loss.of(&networks[0].model)?;
        let data = networks::load_data(data, &networks)?;
        let unfinished = self.unfinished(out, &networks)?;
        let mut found = self.cluster(session, &networks, &data, unfinished.as_ref())?;
        let (scores, repaired) = self.settle_and_score(session, &networks, &mut found, &data, loss)?;
        weights::save(out, &found.network.params, &found.network.metadata())?;
        unfinished.map_or(Ok(()), Unfinished::remove)?;
        let gathered = Gathered::of(std::mem::take(&mut found.alignments));
        let mut json = self.json(&networks, out, loss, &gathered, Some(&scores));
        found.add_to(&mut json, method);
        json["repair"] = repaired.as_ref().map_or(Value::Null, Done::json);
        let repaired = repaired.as_ref().map_or_else(String::new, Done::sentence);
        let text = found.text(&networks[0].model) + &repaired;
        let text = text + &self.text(&networks, out, Some(&scores), None);
        Ok(Outcome { answer: Answer::Yes, text, json })
    }

    /// Gives the merged network, which may be wider, units and running statistics of its own, and scores all networks.
    fn settle_and_score(
        &self,
        session: &Session,
        networks: &[Network],
        found: &mut Clustered,
        data: &Data,
        loss: Loss,
    ) -> Result<(Scores, Option<Done>), Failure> {
        let Network { model, params: merged, .. } = &mut found.network;
        let mut measure = Measure::new(session, &networks[0].model, data, loss, self.statistics)?;
        let parents =
            networks.iter().map(|network| measure.score(&network.params)).collect::<Result<_, _>>()?;
        if *model != networks[0].model {
            measure = Measure::new(session, model, data, loss, self.statistics)?;
        }
        let plain = measure.settle(merged.clone())?;
        let (scored, reestimated_on) = (measure.score(&plain)?, measure.reestimated_on());
        let of_texts = has_perplexity(&networks[0].model, data, loss);
        let mut scores = Scores { parents, merged: scored, repaired: None, of_texts, reestimated_on };
        let Some(renormaliser) = &mut found.renormaliser else {
            *merged = plain;
            return Ok((scores, None));
        };
        let mut repaired = renormaliser.apply(merged, &[1.0])?;
        repaired.params = measure.settle(repaired.params)?;
        scores.repaired = Some(measure.score(&repaired.params)?);
        let done = renormaliser.done(&plain, &repaired, &[1.0])?;
        *merged = repaired.params;
        Ok((scores, Some(done)))
    }

    fn cluster(
        &self,
        session: &Session,
        networks: &[Network],
        data: &Data,
        unfinished: Option<&Unfinished>,
    ) -> Result<Clustered, Failure> {
        let (a, model) = (&networks[0], &networks[0].model);
        let certified = |model: &Model| certified::group(session.executor(), model, session.key());
        let group = certified(model)?.group;
        // What cannot be done is said before anything is computed.
        widths::by_share(model, &group, self.clustering.share()).or_else(|error| match error {
            symmetry::SymmetryError::Widths { .. } if widths::are_free(model, &group) => {
                Ok(Wider { model: model.clone(), extra: Vec::new() })
            }
            error => Err(error),
        })?;
        let alignments = match self.clustering.method {
            Method::Pleas => self.align(session, networks, Some(data), unfinished)?,
            _ => Vec::new(),
        };
        let b = alignments.first().map_or(&networks[1].params, |alignment| &alignment.params);
        let examples = self.clustering.examples(&data.train);
        let task = session.progress.task("activations", examples.len() as u64, "examples");
        let tick = &mut |done: usize, _: usize| task.at(done as u64, "");
        let pair = [&a.params, b];
        let similarities = partial::similarities(session.executor(), &group, model, pair, &examples, tick)?;
        let Choice { model: wide, clusters, budget } = self.choose(&group, model, &similarities)?;
        let wide_group = if wide == *model { group.clone() } else { certified(&wide)?.group };
        let graphs = symmetry::graphs(model, TRIED);
        let key = session.key().child("sides");
        let sides = transport::sides(session.executor(), &graphs[0], &group.permutations(), key)?;
        let groups = [&wide_group, &group];
        let mut params = partial::merged(groups, &sides, &clusters, pair)?;
        let merging = Merging { groups, sides: &sides, clusters: &clusters, model, networks: pair };
        let fitted = self.fit(session, &merging, &params, &examples)?;
        if let Some(fitted) = &fitted {
            params.clone_from(&fitted.params);
        }
        let bound = |(own, clusters): (&Similarity, &Clusters)| own.most(clusters.width());
        let most = similarities.iter().zip(&clusters).map(bound).collect::<Result<_, _>>()?;
        let models = [(&wide, &wide_group), (model, &group)];
        let united = United::new(groups, &sides, &clusters)?;
        let renormaliser = self.repair.prepare_united(session, models, &united, &data.train, pair)?;
        let network = Network { model: wide, params, ..a.clone() };
        Ok(Clustered { network, renormaliser, similarities, clusters, most, budget, fitted, alignments })
    }

    fn choose(&self, group: &Group, model: &Model, similarities: &[Similarity]) -> Result<Choice, Failure> {
        let share = self.clustering.share();
        if self.clustering.method == Method::Pleas {
            let found = partial::pleas(similarities, group, model, share)?;
            return Ok(Choice { model: found.model, clusters: found.clusters, budget: found.budget });
        }
        let Wider { model, extra } = widths::by_share(model, group, share)?;
        let options = self.clustering.options();
        let classes = similarities.iter().zip(extra);
        let clusters = classes.map(|(own, extra)| partial::zipit(own, own.units + extra, options));
        Ok(Choice { model, clusters: clusters.collect::<Result<_, _>>()?, budget: None })
    }

    /// The weights by least squares, where they are wanted.
    fn fit(
        &self,
        session: &Session,
        merging: &Merging<'_>,
        start: &Params,
        examples: &Dataset,
    ) -> Result<Option<Refitted>, Failure> {
        if self.clustering.method != Method::Pleas {
            return Ok(None);
        }
        let task = session.progress.task("least squares", examples.len() as u64, "examples");
        let tick = &mut |done: usize, _: usize| task.at(done as u64, "");
        Ok(Some(least_squares::least_squares(session.executor(), merging, start, examples, tick)?))
    }
}

impl Clustered {
    /// Each class with its clusters and what they keep, and at most.
    fn classes(&self) -> impl Iterator<Item = (&Similarity, &Clusters, [f64; 2])> {
        let classes = self.similarities.iter().zip(&self.clusters).zip(&self.most);
        classes.map(|((own, clusters), most)| (own, clusters, [own.kept(clusters), *most]))
    }

    fn text(&self, before: &Model) -> String {
        let class = |(own, clusters, [kept, most]): (&Similarity, &Clusters, [f64; 2])| {
            let (units, width) = (clusters.units(), clusters.width());
            let (across, inside, apart) = (clusters.across(), clusters.inside(), clusters.apart());
            let mut line = format!(
                "{units} and {units} units in {width}: {across} of both networks, {inside} of one, {apart} single; "
            );
            if own.values == 0 {
                line += "not compared, as no product reads them alone";
            } else {
                line +=
                    &format!("{:.1} % of their variance kept of {:.1} % at most", 100.0 * kept, 100.0 * most);
            }
            format!("{line}: {}\n", own.generator)
        };
        let mut text: String = self.classes().map(class).collect();
        if let Some(Budget { value, bound, .. }) = self.budget {
            text += &format!(
                "units apart keep {value:.4} variances of units, no choice within the budget more than {bound:.4}\n"
            );
        }
        for fit in self.fitted.iter().flat_map(|fitted| &fitted.layers) {
            let [before, after] = [fit.error_before, fit.error].map(|error| 100.0 * error);
            text += &format!(
                "least squares miss {before:.2} % → {after:.2} % of the variance: {}\n",
                fit.parameter
            );
        }
        if self.network.model != *before {
            text += &format!("{before} became {}\n", self.network.model);
        }
        text
    }

    /// Adds what is particular to these methods.
    fn add_to(&self, json: &mut Value, method: Method) {
        let class = |(own, clusters, [kept, most]): (&Similarity, &Clusters, [f64; 2])| {
            json!({
                "name": own.generator,
                "units": clusters.units(),
                "width": clusters.width(),
                "across": clusters.across(),
                "inside": clusters.inside(),
                "single": clusters.apart(),
                "values": own.values,
                "kept": number(kept),
                "bound": number(most),
            })
        };
        json["method"] = method.name().into();
        json["merged_model"] = self.network.model.spec().into();
        json["classes"] = self.classes().map(class).collect();
        if let Some(Budget { allowed, spent, value, bound }) = self.budget {
            json["budget"] = json!({
                "allowed": number(allowed),
                "spent": number(spent),
                "value": number(value),
                "bound": number(bound),
            });
        }
        if let Some(fitted) = &self.fitted {
            json["layers"] = fitted.layers.iter().map(layer).collect();
            json["not_solved"] = json!(fitted.kept);
        }
    }
}

fn layer(fit: &Fit) -> Value {
    json!({
        "parameter": fit.parameter,
        "inputs": fit.inputs,
        "samples": number(fit.samples),
        "error_before": number(fit.error_before),
        "error": number(fit.error),
        "slope": number(fit.slope),
    })
}
