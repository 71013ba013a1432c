//! `isoloss merge --repair`: hidden units of the merged network with the moments that they have in the networks.

use std::borrow::Cow;

use clap::{Args, ValueEnum};
use isoloss::{
    data::Dataset,
    landscape::LandscapeError,
    merge::{
        MergeError,
        repair::{self, Collapse, Ends, JointEnds, Repair, Repaired},
    },
    models::{Model, Params},
    recipes::certified,
    symmetry::{Group, matching::partial::United},
};
use report::{Axis, Column, Figure, NumberFormat, Series, Table};
use serde_json::{Value, json};

use crate::{failure::Failure, json::number, session::Session};

/// How it is found what the units of the merged network have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// Measured, layer by layer, each behind corrected ones
    Measured,
    /// From how much the units of the networks vary together, without running the merged network; sums of residual streams are left out
    Closed,
}

/// Flags of renormalising.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct RepairFlags {
    /// Give the hidden units of the merged network the means and deviations that they have in the networks, by changing weights and
    /// biases (REPAIR, Jordan et al., 2023). Needs --data
    #[arg(long, value_name = "FORM", value_enum, num_args = 0..=1, default_missing_value = "measured", require_equals = true)]
    repair: Option<Form>,
    /// Training examples on which --repair takes means and deviations, the first ones
    #[arg(long, value_name = "N", default_value_t = repair::EXAMPLES as u32, value_parser = clap::value_parser!(u32).range(2..))]
    repair_examples: u32,
}

/// What becomes of networks between those that were merged.
pub(super) struct Renormaliser {
    repair: Repair,
    networks: Networks,
}

/// What was measured of the networks.
enum Networks {
    Measured(Ends),
    Closed(JointEnds),
}

/// What was done to the merged network.
pub(super) struct Done {
    form: Form,
    examples: usize,
    refused: Vec<String>,
    collapse: [Vec<Collapse>; 2],
}

impl RepairFlags {
    pub(super) const fn is_given(self) -> bool {
        self.repair.is_some()
    }

    /// Whether the form is wanted that does not run the merged network.
    pub(super) const fn is_closed(self) -> bool {
        matches!(self.repair, Some(Form::Closed))
    }

    /// Measures what two networks have whose units are merged cluster by cluster, if units are to be renormalised; first come the
    /// model and the certified group of the merged network, then those of the two.
    pub(super) fn prepare_united(
        self,
        session: &Session,
        models: [(&Model, &Group); 2],
        united: &United,
        data: &Dataset,
        networks: [&Params; 2],
    ) -> Result<Option<Renormaliser>, Failure> {
        if self.repair.is_none() {
            return Ok(None);
        }
        let [merged, own] = models;
        let (repair, mut narrow) = (self.sites(session, merged, data)?, self.sites(session, own, data)?);
        let task = session.progress.task("moments", narrow.examples() as u64, "examples");
        let ends = narrow.ends(&networks, &mut |done, _| task.at(done as u64, ""))?;
        let ends = repair.united(&narrow, &ends, united)?;
        Ok(Some(Renormaliser { repair, networks: Networks::Measured(ends) }))
    }

    /// Measures what the networks have, if they are to be renormalised. The group of the model is certified where it is not given.
    pub(super) fn prepare(
        self,
        session: &Session,
        model: &Model,
        group: Option<&Group>,
        data: &Dataset,
        networks: &[&Params],
    ) -> Result<Option<Renormaliser>, Failure> {
        let Some(form) = self.repair else { return Ok(None) };
        let group = match group {
            Some(group) => Cow::Borrowed(group),
            None => Cow::Owned(certified::group(session.executor(), model, session.key())?.group),
        };
        let mut repair = self.sites(session, (model, &group), data)?;
        let task = session.progress.task("moments", repair.examples() as u64, "examples");
        let tick = &mut |done: usize, _: usize| task.at(done as u64, "");
        let networks = match form {
            Form::Measured => Networks::Measured(repair.ends(networks, tick)?),
            Form::Closed => Networks::Closed(repair.joint_ends(networks, tick)?),
        };
        Ok(Some(Renormaliser { repair, networks }))
    }

    fn sites(
        self,
        session: &Session,
        (model, group): (&Model, &Group),
        data: &Dataset,
    ) -> Result<Repair, MergeError> {
        let (examples, key) = (self.repair_examples as usize, session.key().child("repair"));
        Repair::new(session.executor(), model, group, data, examples, key)
    }
}

impl Networks {
    const fn form(&self) -> Form {
        match self {
            Self::Measured(_) => Form::Measured,
            Self::Closed(_) => Form::Closed,
        }
    }

    const fn ends(&self) -> &Ends {
        match self {
            Self::Measured(ends) => ends,
            Self::Closed(joint) => joint.ends(),
        }
    }
}

impl Renormaliser {
    /// A network with the weighted means of the moments.
    pub(super) fn apply(&mut self, merged: &Params, weights: &[f64]) -> Result<Repaired, MergeError> {
        match &self.networks {
            Networks::Measured(ends) => self.repair.measured(merged, ends, weights),
            Networks::Closed(joint) => self.repair.closed(merged, joint, weights),
        }
    }

    /// The same between two networks, as what segments want.
    pub(super) fn between(&mut self, lambda: f64, merged: &Params) -> Result<Params, LandscapeError> {
        Ok(self.apply(merged, &[1.0 - lambda, lambda])?.params)
    }

    /// What was done to a network that was given running statistics of its own before and after.
    pub(super) fn done(
        &mut self,
        merged: &Params,
        repaired: &Repaired,
        weights: &[f64],
    ) -> Result<Done, Failure> {
        let ends = self.networks.ends();
        let collapse = self.repair.collapse(merged, repaired, ends, weights, &mut |_, _| {})?;
        let (examples, refused) = (self.repair.examples(), self.repair.refused().to_vec());
        Ok(Done { form: self.networks.form(), examples, refused, collapse })
    }
}

impl Done {
    /// The shares of the variance by site, before and after.
    fn rows(&self) -> impl Iterator<Item = (&Collapse, &Collapse)> {
        self.collapse[0].iter().zip(&self.collapse[1])
    }

    pub(super) fn sentence(&self) -> String {
        let mean = |sites: &[Collapse]| {
            let ratios: Vec<f64> =
                sites.iter().map(|site| site.ratio).filter(|ratio| ratio.is_finite()).collect();
            100.0 * ratios.iter().sum::<f64>() / ratios.len() as f64
        };
        let [before, after] = self.collapse.each_ref().map(|sites| mean(sites));
        let (sites, examples) = (self.collapse[0].len(), self.examples);
        format!(
            "renormalised at {sites} values on {examples} examples: mean share of the variance of hidden units {before:.1} % → {after:.1} %\n"
        )
    }

    pub(super) fn table(&self) -> Table {
        let percent = NumberFormat::Percent(1);
        let columns =
            [Column::text("behind"), Column::number("merged", percent), Column::number("repaired", percent)];
        let caption = "Variance of hidden units over that of the networks' (the square of their mean deviation), mean over the units. \
                       + is the sum of a residual stream.";
        let table = Table::new("Share of the variance that is left", columns).with_caption(caption);
        let rows = self
            .rows()
            .map(|(before, after)| [before.site.as_str().into(), before.ratio.into(), after.ratio.into()]);
        rows.fold(table, Table::with_row)
    }

    pub(super) fn figure(&self) -> Figure {
        let places: Vec<f64> = (1..=self.collapse[0].len()).map(|place| place as f64).collect();
        let y = Axis::linear("share of the variance").with_unit("%");
        let figure = Figure::new(
            "variance",
            "Variance of hidden units, layer by layer",
            Axis::linear("hidden value, from the inputs on"),
            y,
        )
        .with_caption("100 % is the square of the mean deviation in the networks that were merged.");
        let names = ["merged", "repaired"].into_iter().zip(&self.collapse);
        names.fold(figure, |figure, (name, sites)| {
            let shares = sites.iter().map(|site| 100.0 * site.ratio).collect();
            figure.with_series(Series::new(name, places.clone(), shares).with_markers())
        })
    }

    pub(super) fn json(&self) -> Value {
        let sites = self.rows().map(|(before, after)| {
            json!({
                "site": before.site,
                "is_juncture": before.is_juncture,
                "variance_before": number(before.ratio),
                "variance": number(after.ratio),
            })
        });
        let form = match self.form {
            Form::Measured => "measured",
            Form::Closed => "closed",
        };
        json!({ "form": form, "examples": self.examples, "refused": self.refused, "sites": sites.collect::<Vec<_>>() })
    }
}
