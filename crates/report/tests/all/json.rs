//! The documents and their versions.

use isoloss_report::{
    Axis, Block, Cell, Column, Entries, Error, Fault, Figure, NumberFormat, RecipeIndex, Report, Section,
    Series, Table, Value,
};

use crate::sample;

fn with_figure(figure: Figure) -> Report {
    Report::new("demo", "t").with_section(Section::new("s").with_block(figure))
}

fn figure(id: &str, series: Series) -> Figure {
    Figure::new(id, "f", Axis::linear("x"), Axis::linear("y")).with_series(series)
}

fn faults(report: &Report) -> Vec<Fault> {
    match report.check() {
        Err(Error::Inconsistent(faults)) => faults,
        other => panic!("expected faults, found {other:?}"),
    }
}

#[test]
fn documents_read_back_as_they_were_written() {
    let json = sample::report().to_json();
    assert_eq!(Report::from_json(&json).unwrap().to_json(), json);
    let index = sample::index();
    assert_eq!(RecipeIndex::from_json(&index.to_json()).unwrap(), index);
}

#[test]
fn numbers_that_json_lacks_survive() {
    let values = vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 5e-324, f64::MAX, 0.1 + 0.2];
    let series = Series::new("a", values.clone(), values.clone()).with_band(values.clone(), values.clone());
    let table = Table::new("t", [Column::number("c", NumberFormat::Auto)])
        .with_row([Cell::spread(f64::NAN, f64::INFINITY)]);
    let mut report = with_figure(figure("a", series).with_highlight(f64::NAN, 1.0, ""));
    report.sections[0].blocks.push(Block::Table(table));
    report.settings.insert("limit", f64::INFINITY);
    let json = report.to_json();
    assert!(json.contains("[\"NaN\", \"inf\", \"-inf\", -0.0, 5e-324,"), "{json}");
    let back = Report::from_json(&json).unwrap();
    assert_eq!(back.to_json(), json);
    let Block::Figure(found) = &back.sections[0].blocks[0] else { panic!("expected a figure") };
    let bits = |values: &[f64]| values.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&found.series[0].y[1..]), bits(&values[1..]));
    assert!(found.series[0].y[0].is_nan());
    assert_eq!(back.settings.get("limit"), Some(&Value::Number(f64::INFINITY)));
}

#[test]
fn a_newer_schema_is_refused_by_name() {
    let json = sample::report().to_json().replace("isoloss.report/1", "isoloss.report/2");
    let error = Report::from_json(&json).unwrap_err();
    assert!(matches!(error, Error::UnknownSchema { .. }));
    assert_eq!(
        error.to_string(),
        "reading a document: expected schema \"isoloss.report/1\", found \"isoloss.report/2\"; \
         read it with the version of isoloss that wrote it"
    );
}

#[test]
fn a_document_of_another_kind_or_of_none_is_refused() {
    for (json, found) in [("{}", "none"), ("[1]", "none"), ("{\"schema\": 3}", "3")] {
        let error = Report::from_json(json).unwrap_err();
        assert!(matches!(&error, Error::UnknownSchema { found: f, .. } if f == found), "{error}");
    }
    assert!(matches!(Report::from_json(&sample::index().to_json()), Err(Error::UnknownSchema { .. })));
    assert!(matches!(RecipeIndex::from_json(&sample::report().to_json()), Err(Error::UnknownSchema { .. })));
}

#[test]
fn broken_json_names_the_place() {
    let json = sample::report().to_json();
    let error = Report::from_json(&json[..json.len() / 2]).unwrap_err();
    assert!(matches!(error, Error::Json { .. }) && error.to_string().contains("line"), "{error}");
    let error = Report::from_json("{\"schema\": \"isoloss.report/1\", \"kind\": \"demo\"}").unwrap_err();
    assert!(error.to_string().contains("title"), "{error}");
}

#[test]
fn absent_members_have_defaults_and_unknown_ones_are_ignored() {
    let json = r#"{"schema": "isoloss.report/1", "kind": "demo", "title": "t", "of_tomorrow": 1}"#;
    assert_eq!(Report::from_json(json).unwrap(), Report::new("demo", "t"));
}

#[test]
fn settings_keep_their_order_and_replace_in_place() {
    let entries = Entries::new().with("zeta", 1_u32).with("alpha", "x").with("zeta", 2_u32);
    let keys: Vec<_> = entries.iter().map(|(key, value)| format!("{key}={value}")).collect();
    assert_eq!(keys, ["zeta=2", "alpha=x"]);
    let json = Report::new("demo", "t").with_settings(entries.clone()).to_json();
    assert_eq!(Report::from_json(&json).unwrap().settings, entries);
}

#[test]
fn the_largest_seed_keeps_its_digits() {
    let report = Report::new("demo", "t").with_seed("a", u64::MAX);
    assert_eq!(Report::from_json(&report.to_json()).unwrap().seeds[0].value, u64::MAX);
}

#[test]
fn coordinates_that_do_not_pair_up_are_all_reported() {
    let series = Series::new("a", vec![0.0, 1.0], vec![0.0]).with_band(vec![0.0, 1.0], vec![]);
    let report = with_figure(figure("f", series));
    let found: Vec<String> = faults(&report).iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "figure \"f\", series \"a\": y has 1 values, expected 2 as in x",
            "figure \"f\", series \"a\": band.high has 0 values, expected 2 as in x",
        ]
    );
    assert!(matches!(Report::from_json(&report.to_json()), Err(Error::Inconsistent(_))));
    assert!(matches!(isoloss_report::bundle(&report), Err(Error::Inconsistent(_))));
}

#[test]
fn ids_that_cannot_name_files_are_refused() {
    let empty = || Series::new("", vec![], vec![]);
    for id in ["", "../up", "a/b", "a b", ".hidden", "ü", "a\0", &"a".repeat(65)] {
        assert_eq!(faults(&with_figure(figure(id, empty()))), [Fault::FigureId { id: id.to_owned() }]);
    }
    let mut report = with_figure(figure("loss", empty()));
    report.sections.push(Section::new("again").with_block(figure("Loss", empty())));
    assert_eq!(faults(&report), [Fault::RepeatedFigure { id: "Loss".to_owned() }]);
}

#[test]
fn rows_that_do_not_fit_and_marks_outside_are_refused() {
    let table =
        Table::new("t", [Column::text("a"), Column::text("b")]).with_row([Cell::Empty]).with_best_cell(0, 2);
    let report = Report::new("demo", "t").with_section(Section::new("s").with_block(table));
    assert!(matches!(faults(&report)[..], [Fault::RowLength { .. }, Fault::MarkOutside { .. }]));
}
