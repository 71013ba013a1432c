//! A report of the size and shape of a real one. Every number in it is invented.

use isoloss_report::{
    Axis, Cell, Color, Column, Control, Direction, Entries, Figure, KeyValues, Measured, Notes, NumberFormat,
    Outcome, RecipeEntry, RecipeIndex, RecipeVerdict, Report, Section, Series, Style, Table, Value, Verdict,
    Verdicts,
};

/// The sample report.
pub(crate) fn report() -> Report {
    Report::new("demo", "Two networks, one valley")
        .with_created("2001-02-03 04:05 UTC")
        .with_summary(
            "Sample with invented numbers. Two networks trained from different seeds are matched by permuting hidden \
             units, then averaged. The aligned average keeps the parents' accuracy; the naive average does not.",
        )
        .with_settings(settings())
        .with_seed("network A", 0)
        .with_seed("network B", 1)
        .with_seed("matching", u64::MAX)
        .with_versions(
            Entries::new()
                .with("isoloss", "0.0.0")
                .with("rustc", "1.0.0")
                .with("target", "x86_64-unknown-linux-gnu")
                .with("cpu features", "avx2, fma, avx512f"),
        )
        .with_section(interpolation_section())
        .with_section(
            Section::new("On the way there").with_block(training()).with_block(matching()).with_block(KeyValues::new(
                "Symmetry group",
                Entries::new().with("permutations", "S(512) × S(512) × S(512)").with("log10 of the order", 3499.6),
            )),
        )
}

fn settings() -> Entries {
    Entries::new()
        .with("model", "mlp:64-512-512-512-10")
        .with("data", "digits")
        .with("epochs", 20_u32)
        .with("batch", 100_u32)
        .with("learning rate", 1e-3)
        .with("pixels normalised", true)
        .with("points", Value::List(vec![Value::Integer(25)]))
}

fn interpolation_section() -> Section {
    Section::new("Along the segment")
        .with_text("Both networks are interpolated linearly; 25 points, 3 pairs of seeds.")
        .with_block(verdicts())
        .with_block(loss())
        .with_block(accuracy())
        .with_block(table())
        .with_block(Notes::new([
            "Loss is mean cross-entropy in nats.",
            "Bands show the range over three pairs of seeds.",
        ]))
}

fn verdicts() -> Verdicts {
    Verdicts::new([
        Verdict::new(
            "The aligned midpoint loses at most 1 percentage point of test accuracy.",
            Outcome::Held,
        )
        .with_measured(
            Measured::new("accuracy lost", 0.42)
                .with_spread(0.08)
                .with_unit("points")
                .with_format(NumberFormat::Fixed(2)),
        )
        .with_measured(Measured::new("parents", 0.9712).with_format(NumberFormat::Percent(2)))
        .with_bound("at most 1 point")
        .with_control(
            Control::new("a random permutation instead of the matched one", true)
                .with_measured(Measured::new("accuracy lost", 61.2).with_unit("points")),
        ),
        Verdict::new("After matching there is no barrier on the test set.", Outcome::Failed)
            .with_measured(Measured::new("barrier", 0.0312).with_spread(0.004).with_unit("nats"))
            .with_bound("at most 0.02 nats")
            .with_control(Control::new("a random permutation instead of the matched one", false))
            .with_note("Wider networks bring it below the bound."),
        Verdict::new("A network four times as wide has a barrier below 0.005 nats.", Outcome::NotReached)
            .with_note("Estimated at 5.1 hours (0.61 s × 30 000 steps); the budget of this scale is 1 hour."),
    ])
}

/// Deterministic noise between -1 and 1.
fn noise(i: usize) -> f64 {
    let mut mixed = (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed >> 40) as f64 / f64::from(1 << 23) - 1.0
}

/// Four decimals, so that the last bits of a platform's `exp` do not matter.
fn rounded(x: f64) -> f64 {
    (x * 1e4).round() / 1e4
}

fn curve(name: &str, ends: f64, height: f64, width: f64) -> Series {
    let x: Vec<f64> = (0..25).map(|i| rounded(f64::from(i) / 24.0)).collect();
    let bump = |t: f64| (4.0 * t * (1.0 - t)).powi(2);
    let y: Vec<f64> = x.iter().map(|t| rounded(ends + height * bump(*t))).collect();
    let spread =
        |sign: f64| x.iter().zip(&y).map(|(t, y)| rounded(y + sign * width * (0.1 + bump(*t)))).collect();
    Series::new(name, x.clone(), y.clone()).with_band(spread(-1.0), spread(1.0))
}

fn loss() -> Figure {
    Figure::new("loss", "Loss along the segment between the two networks", Axis::linear("λ"), Axis::linear("loss").with_unit("nats"))
        .with_caption(
            "Cross-entropy on the weights (1−λ)·A + λ·B, before and after matching B to A. Lines are means over three \
             pairs of seeds, bands their range.",
        )
        .with_series(curve("naive, test", 0.12, 1.7, 0.2).with_color(Color::Vermillion).with_style(Style::Solid))
        .with_series(curve("naive, train", 0.004, 1.6, 0.18).with_color(Color::Vermillion).with_style(Style::Dashed))
        .with_series(curve("aligned, test", 0.12, 0.08, 0.015).with_color(Color::Blue).with_style(Style::Solid))
        .with_series(curve("aligned, train", 0.004, 0.05, 0.01).with_color(Color::Blue).with_style(Style::Dashed))
        .with_highlight(0.5, 1.82, "barrier 1.70")
}

fn accuracy() -> Figure {
    Figure::new(
        "accuracy",
        "Accuracy along the segment",
        Axis::linear("λ"),
        Axis::linear("test accuracy").with_unit("%"),
    )
    .with_caption("The same on the test set.")
    .with_series(curve("naive", 97.1, -61.0, 6.0).with_color(Color::Vermillion).with_markers())
    .with_series(curve("aligned", 97.1, -0.4, 0.1).with_color(Color::Blue).with_markers())
    .with_reference(Direction::Horizontal, 10.0, "chance")
}

fn training() -> Figure {
    let series = |name: &str, seed: usize, floor: f64| {
        let x: Vec<f64> = (0..400).map(|i| f64::from(i * 5)).collect();
        let wave = |i: usize| 2.3 * (-(i as f64) / 60.0).exp() + floor * (1.0 + 0.35 * noise(i + seed));
        let mut y: Vec<f64> = (0..400).map(|i| rounded(wave(i))).collect();
        y[150..153].fill(f64::NAN);
        Series::new(name, x, y)
    };
    Figure::new("training", "Training", Axis::linear("step"), Axis::log("training loss").with_unit("nats"))
        .with_caption("Loss of each batch while training.")
        .with_series(series("network A", 0, 0.006).with_style(Style::Solid))
        .with_series(series("network B", 5000, 0.009).with_color(Color::Orange).with_style(Style::Solid))
        .with_reference(Direction::Vertical, 1500.0, "rate ÷ 10")
}

fn matching() -> Figure {
    let x: Vec<f64> = (0..9).map(f64::from).collect();
    let start =
        |top: f64| x.iter().map(|t| rounded(top * (1.0 - 0.6 * (-0.9 * t).exp()))).collect::<Vec<_>>();
    Figure::new(
        "matching",
        "Matching",
        Axis::linear("sweep over the layers"),
        Axis::linear("agreement of weights"),
    )
    .with_caption("Inner product of the two networks' weights after each sweep, for three random starts.")
    .with_series(Series::new("start 1", x.clone(), start(812.0)).with_markers())
    .with_series(Series::new("start 2", x.clone(), start(806.0)).with_markers())
    .with_series(Series::new("start 3", x.clone(), start(799.0)).with_markers())
}

/// The sample table.
pub(crate) fn table() -> Table {
    let percent = NumberFormat::Fixed(2);
    let nats = NumberFormat::Fixed(4);
    let row =
        |name: &str, numbers: [Option<f64>; 4]| [Cell::from(name)].into_iter().chain(numbers.map(Cell::from));
    Table::new(
        "Parents and averages",
        [
            Column::text("network"),
            Column::number("test accuracy (%)", percent),
            Column::number("test loss (nats)", nats),
            Column::number("train loss (nats)", nats),
            Column::number("barrier (nats)", nats),
        ],
    )
    .with_caption("Means over three pairs of seeds. The better average is highlighted.")
    .with_row(row("network A", [Some(97.12), Some(0.1203), Some(0.0041), None]))
    .with_row(row("network B", [Some(97.08), Some(0.1198), Some(0.0038), None]))
    .with_row(row("naive average", [Some(36.1), Some(1.8201), Some(1.604), Some(1.7003)]))
    .with_row([
        Cell::from("aligned average"),
        Cell::spread(96.7, 0.08),
        Cell::from(0.2),
        Cell::from(0.054),
        Cell::from(0.0312),
    ])
    .with_best_row(3)
}

/// The sample list of recipes.
pub(crate) fn index() -> RecipeIndex {
    let verdict = |claim: &str, outcome| RecipeVerdict { claim: claim.into(), outcome };
    let entry = |name: &str, claim: &str, verdicts: Vec<RecipeVerdict>| {
        let ran = !verdicts.is_empty();
        let when = |text: &str| if ran { text.to_owned() } else { String::new() };
        RecipeEntry {
            name: name.into(),
            paper: "A. Author and B. Author, An invented paper (2001)".into(),
            claim: claim.into(),
            scale: when("small"),
            date: when("2001-02-03"),
            link: when(&format!("{name}/report.html")),
            verdicts,
        }
    };
    RecipeIndex::new(
        "2001-02-03",
        [
            entry(
                "sample-matching",
                "Networks trained from different seeds are linearly connected after matching.",
                vec![
                    verdict("no barrier on the training set", Outcome::Held),
                    verdict("no barrier on the test set", Outcome::Failed),
                    verdict("the same for a network four times as wide", Outcome::NotReached),
                ],
            ),
            entry(
                "sample-planted",
                "A planted permutation is found.",
                vec![verdict("found in every trial", Outcome::Held)],
            ),
            entry("sample-never-run", "Nothing is known about this one yet.", Vec::new()),
        ],
    )
}
