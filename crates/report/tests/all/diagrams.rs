//! Diagrams of networks.

use isoloss_report::{
    Diagram, DiagramAxis, DiagramRow, DiagramTensor, Error, Fault, Links, Report, RowKind, Section, bundle,
    diagram_svg, html, markdown, text,
};

fn row(name: &str, kind: RowKind, axes: &[(usize, &[usize])]) -> DiagramRow {
    let axes = axes.iter().map(|(size, classes)| DiagramAxis { size: *size, classes: classes.to_vec() });
    let tensor = DiagramTensor { name: "weight".to_owned(), axes: axes.collect() };
    let tensors = if axes_are_shown(kind) { vec![tensor] } else { Vec::new() };
    DiagramRow { name: name.to_owned(), kind, tensors }
}

fn axes_are_shown(kind: RowKind) -> bool {
    kind == RowKind::Part
}

fn sample() -> Diagram {
    let classes = vec!["stream".to_owned(), "heads".to_owned(), "unseen".to_owned()];
    let mut diagram = Diagram::new("network", "The network", classes).with_caption("Rows are parts.");
    diagram.rows = vec![
        row("x", RowKind::Input, &[]),
        row("open", RowKind::Part, &[(8, &[0]), (3, &[])]),
        row("mix", RowKind::Part, &[(6, &[1, 0]), (8, &[0])]),
        row("add", RowKind::Join, &[]),
        row("the same", RowKind::Repeated, &[]),
        row("y", RowKind::Output, &[]),
    ];
    diagram.edges = vec![(0, 1), (1, 2), (2, 3), (1, 3), (3, 4), (4, 5)];
    diagram
}

fn report(diagram: Diagram) -> Report {
    Report::new("inspect", "t").with_section(Section::new("s").with_block(diagram))
}

#[test]
fn axes_tell_their_sizes_and_classes_which_the_legend_names() {
    let svg = diagram_svg(&sample());
    for part in
        [">8:1</text>", ">6:2,1</text>", ">3</text>", ">stream</text>", ">heads</text>", ">add</text>"]
    {
        assert!(svg.contains(part), "{part} is not in {svg}");
    }
    assert!(!svg.contains("unseen") && !svg.contains("NaN"), "{svg}");
    assert_eq!(svg, diagram_svg(&sample()));
}

#[test]
fn a_page_draws_it_and_a_folder_has_it_as_a_file() {
    let page = html(&report(sample()), Links::Siblings);
    assert!(page.contains("var(--text)") && page.contains("href=\"figures/network.svg\""), "{page}");
    let files = bundle(&report(sample())).unwrap();
    assert!(files.iter().any(|(name, _)| name == "figures/network.svg"));
    assert!(text::report(&report(sample())).contains("[figure network] The network\nRows are parts."));
    assert!(
        markdown::report(&report(sample()))
            .contains("![The network](figures/network.svg)\n\nRows are parts.")
    );
    assert_eq!(Report::from_json(&report(sample()).to_json()).unwrap(), report(sample()));
}

#[test]
fn positions_that_are_not_there_are_refused() {
    let mut bad = sample();
    bad.edges.push((2, 9));
    bad.classes.truncate(1);
    let Err(Error::Inconsistent(faults)) = report(bad).check() else { panic!("expected faults") };
    let outside = |what: &str, found| {
        faults.iter().any(|fault| matches!(fault, Fault::OutsideDiagram { what: w, found: f, .. } if *w == what && *f == found))
    };
    assert!(outside("row", 9) && outside("class", 1), "{faults:?}");
}

#[test]
fn nothing_at_all_is_drawn_too() {
    let svg = diagram_svg(&Diagram::new("network", "Nothing", Vec::new()));
    assert!(svg.ends_with("</svg>\n") && !svg.contains("NaN"), "{svg}");
}
