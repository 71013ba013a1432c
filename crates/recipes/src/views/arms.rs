//! All arms of an experiment beside each other.

use report::{Axis, Cell, Color, Column, Figure, Series, Style, Table};

use super::spread_cell;
use crate::{
    experiment::{Found, Spot},
    recipe::Claim,
    reproduce::Reproduction,
};

/// Every arm at each of its stages.
#[must_use]
pub fn arms_table(found: &Reproduction) -> Table {
    let mut titles: Vec<String> = Vec::new();
    let mut columns =
        vec![Column::text("networks"), Column::number("epochs", report::NumberFormat::Fixed(0))];
    let mut rows = Vec::new();
    for (name, arm) in found.reached() {
        for stage in 0..arm.stages() {
            let own = arm.columns(stage);
            for column in &own {
                if !titles.contains(&column.title) {
                    titles.push(column.title.clone());
                    columns.push(Column::number(column.title.clone(), column.format));
                }
            }
            rows.push((name, arm.stage(stage), own));
        }
    }
    let mut table = Table::new("Test set", columns)
        .with_caption("Mean over the repetitions ± half of the range, where there are several.");
    for (name, stage, own) in rows {
        let values = |title: &String| own.iter().find(|column| column.title == *title);
        let cells = titles.iter().map(|title| values(title).map_or(Cell::Empty, |c| spread_cell(&c.values)));
        table = table.with_row([name.into(), stage.into()].into_iter().chain(cells));
    }
    table
}

/// What a claim is about against the number of parameters: each repetition as a line, and its control.
#[must_use]
pub fn along_arms(claim: &Claim, found: &Reproduction) -> Figure {
    let measure = claim.measure;
    let (x, y) = (Axis::log("parameters"), Axis::linear(measure.words).with_unit(measure.unit));
    let mut figure = Figure::new(format!("arms-{}", claim.id), "Along the arms", x, y)
        .with_caption(format!("One line for each repetition. Control: {}.", measure.control));
    let lines =
        [("measured", false, Color::Blue, Style::Solid), ("control", true, Color::Vermillion, Style::Dotted)];
    for (name, is_control, color, style) in lines {
        let values: Vec<Vec<f64>> =
            found.reached().map(|(_, arm)| arm.values(&spot(claim, arm, is_control))).collect();
        let x: Vec<f64> = found.reached().map(|(_, arm)| arm.parameters()).collect();
        for repetition in 0..values.iter().map(Vec::len).min().unwrap_or(0) {
            let y = values.iter().map(|values| values[repetition]).collect();
            let name = format!("{name}, {}", repetition + 1);
            let series = Series::new(name, x.clone(), y).with_color(color).with_style(style).with_markers();
            figure = figure.with_series(series);
        }
    }
    figure
}

fn spot<'a>(claim: &'a Claim, arm: &dyn Found, is_control: bool) -> Spot<'a> {
    let stage = claim.at.after.stage(arm);
    Spot { measure: claim.measure, stage, method: claim.at.method.as_deref(), is_control }
}
