//! Texts that try to be markup.

use isoloss_report::{
    Axis, Cell, Column, Control, Diagram, DiagramAxis, DiagramRow, DiagramTensor, Direction, Entries, Figure,
    Flame, Frame, KeyValues, Links, Measured, Notes, NumberFormat, Outcome, RecipeEntry, RecipeIndex,
    RecipeVerdict, Report, RowKind, Section, Series, Table, Verdict, Verdicts, csv, html, index_html,
    markdown, png, svg,
};
use resvg::usvg::roxmltree::Document;

/// Ends attributes, elements, comments, scripts and character data, and sets a mark on the page if it is ever run.
pub(crate) const HOSTILE: &str = "\"'></title></style></script><script>document.documentElement.dataset.owned=1</script><img src=x onerror=document.documentElement.dataset.owned=1>]]>--><!--&lt;\u{0}\u{1b}|`*[a](javascript:x)";

fn figure() -> Figure {
    let series = Series::new(HOSTILE, vec![0.0, 1.0], vec![0.0, 1.0]).with_markers();
    Figure::new("a", HOSTILE, Axis::linear(HOSTILE).with_unit(HOSTILE), Axis::log(HOSTILE).with_unit(HOSTILE))
        .with_caption(HOSTILE)
        .with_series(series)
        .with_reference(Direction::Horizontal, 0.5, HOSTILE)
        .with_highlight(1.0, 1.0, HOSTILE)
}

fn hostile_diagram() -> Diagram {
    let mut diagram = Diagram::new("diagram", HOSTILE, vec![HOSTILE.to_owned()]).with_caption(HOSTILE);
    let axes = vec![DiagramAxis { size: 2, classes: vec![0] }];
    let tensors = vec![DiagramTensor { name: HOSTILE.to_owned(), axes }];
    diagram.rows = vec![DiagramRow { name: HOSTILE.to_owned(), kind: RowKind::Part, tensors }];
    diagram
}

/// A report in which every text is hostile.
pub(crate) fn report() -> Report {
    let measured = || Measured::new(HOSTILE, 1.0).with_unit(HOSTILE);
    let verdict = Verdict::new(HOSTILE, Outcome::Held)
        .with_measured(measured())
        .with_bound(HOSTILE)
        .with_control(Control::new(HOSTILE, true).with_measured(measured()))
        .with_note(HOSTILE);
    let table = Table::new(HOSTILE, [Column::text(HOSTILE), Column::number(HOSTILE, NumberFormat::Auto)])
        .with_caption(HOSTILE)
        .with_row([Cell::from(HOSTILE), Cell::from(HOSTILE)])
        .with_best_row(0);
    let entries = || Entries::new().with(HOSTILE, HOSTILE);
    let section = Section::new(HOSTILE)
        .with_text(HOSTILE)
        .with_block(figure())
        .with_block(table)
        .with_block(
            Flame::new(HOSTILE, HOSTILE, Frame::of(HOSTILE, vec![Frame::new(HOSTILE, 1.0)]))
                .with_caption(HOSTILE),
        )
        .with_block(hostile_diagram())
        .with_block(Verdicts::new([verdict]))
        .with_block(Notes::new([HOSTILE]))
        .with_block(KeyValues::new(HOSTILE, entries()));
    Report::new(HOSTILE, HOSTILE)
        .with_summary(HOSTILE)
        .with_created(HOSTILE)
        .with_settings(entries())
        .with_seed(HOSTILE, 1)
        .with_versions(entries())
        .with_section(section)
}

fn assert_inert(page: &str, scripts: usize) {
    assert_eq!(page.matches("<script").count(), scripts);
    assert_eq!(page.matches("</script").count(), scripts);
    assert!(!page.contains("<img") && !page.contains("<!--"));
    assert_eq!((page.matches("</title>").count(), page.matches("</style>").count()), (1, 1));
}

#[test]
fn pages_show_hostile_texts_as_texts() {
    for links in [Links::Siblings, Links::Embedded] {
        assert_inert(&html(&report(), links), 2);
    }
    let recipe = RecipeEntry {
        name: HOSTILE.into(),
        paper: HOSTILE.into(),
        claim: HOSTILE.into(),
        scale: HOSTILE.into(),
        date: HOSTILE.into(),
        verdicts: vec![RecipeVerdict { claim: HOSTILE.into(), outcome: Outcome::Failed }],
        link: "javascript:alert(1)".into(),
    };
    let page = index_html(&RecipeIndex::new(HOSTILE, [recipe]));
    assert_inert(&page, 0);
    assert!(!page.contains("href=\"javascript"));
}

#[test]
fn pictures_show_hostile_texts_as_texts() {
    let text = svg(&figure());
    let document = Document::parse(&text).unwrap();
    assert!(document.descendants().all(|node| !["script", "img", "image"].contains(&node.tag_name().name())));
    assert!(png(&figure()).is_ok());
}

#[test]
fn hostile_ids_of_unchecked_figures_stay_inside_their_attributes() {
    let mut figure = figure();
    figure.id = HOSTILE.to_owned();
    let text = svg(&figure);
    assert!(Document::parse(&text).is_ok());
    assert_inert(
        &html(&Report::new("demo", "t").with_section(Section::new("s").with_block(figure)), Links::Siblings),
        2,
    );
}

#[test]
fn tables_quote_what_would_break_them() {
    let mut figure = figure();
    figure.series[0].name = "a \"b\",\nc".to_owned();
    assert!(csv(&figure).starts_with("series,x,y,low,high\n\"a \"\"b\"\",\nc\",0,0,,\n"), "{}", csv(&figure));
    figure.series[0].name = "=1+1".to_owned();
    assert!(csv(&figure).contains("\n'=1+1,0,0,,\n"));
    let text = markdown::report(&report());
    let escaped = |c: char| text.matches(c).count() == text.matches(&format!("\\{c}")).count();
    assert!(escaped('<') && escaped('`') && !text.replace("\\]", "").contains("](javascript"), "{text}");
    let row = text.lines().find(|line| line.starts_with("| **")).unwrap();
    assert_eq!(row.replace("\\|", "").matches('|').count(), 3);
}
