//! Flame charts.

use isoloss_report::{Error, Fault, Flame, Frame, Links, Report, Section, html, markdown, text};

fn report(root: Frame) -> Report {
    let flame = Flame::new("Where the time goes", "ms", root).with_caption("Wide is slow.");
    Report::new("profile", "t").with_section(Section::new("s").with_block(flame))
}

fn sample() -> Frame {
    let step = |name: &str, value: f64, floor: f64| Frame::new(name, value).with_floor(floor);
    let products = Frame::of("products", vec![step("a", 2.0, 1.0), step("b", 1.0, 0.5)]);
    Frame::of("run", vec![products, Frame::new("loops", 1.0)])
}

#[test]
fn a_whole_is_the_sum_of_its_parts_and_has_a_floor_where_all_of_them_have() {
    let run = sample();
    assert_eq!((run.value, run.floor), (4.0, None));
    assert_eq!((run.parts[0].value, run.parts[0].floor), (3.0, Some(1.5)));
}

#[test]
fn bars_are_as_wide_as_their_share_and_dark_up_to_their_floor() {
    let page = html(&report(sample()), Links::Siblings);
    for part in ["width:75.000%", "width:66.667%", "--floor:50.0%", "title=\"a: 2 ms (floor 1 ms)\""] {
        assert!(page.contains(part), "{part}");
    }
}

#[test]
fn plain_text_and_markdown_list_the_parts_of_the_whole() {
    let shown = text::report(&report(sample()));
    assert!(shown.contains("run         4 ms\n  products  3 ms\n  loops     1 ms\nWide is slow."), "{shown}");
    let shown = markdown::report(&report(sample()));
    assert!(shown.contains("- run: 4 ms\n  - products: 3 ms\n  - loops: 1 ms\n\nWide is slow."), "{shown}");
}

#[test]
fn documents_with_a_flame_chart_read_back() {
    let json = report(sample()).to_json();
    assert_eq!(Report::from_json(&json).unwrap(), report(sample()));
}

#[test]
fn what_is_no_amount_is_refused_wherever_it_stands() {
    let bad = Frame::of("run", vec![Frame::new("x", -1.0), Frame::new("y", 1.0).with_floor(f64::NAN)]);
    let Err(Error::Inconsistent(faults)) = report(bad).check() else { panic!("expected faults") };
    let named = |name: &str| {
        faults.iter().any(|fault| matches!(fault, Fault::FrameValue { frame, .. } if frame == name))
    };
    assert!(named("x") && named("y"), "{faults:?}");
}

#[test]
fn nothing_at_all_is_drawn_too() {
    let page = html(&report(Frame::of("run", vec![Frame::new("x", 0.0)])), Links::Siblings);
    assert!(page.contains("title=\"run: 0 ms\"") && !page.contains("NaN%"));
}
