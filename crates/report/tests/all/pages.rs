//! HTML pages, as text.

use std::collections::BTreeSet;

use isoloss_report::{Links, Report, bundle, html, index_bundle, index_html};

use crate::sample;

/// The values of everything that could make a browser load something.
fn references(page: &str) -> Vec<String> {
    let quoted = ["src=\"", "href=\"", "srcset=\"", "action=\"", "data=\"", "poster=\""];
    let attributes =
        quoted.iter().flat_map(|start| page.split(start).skip(1)).map(|rest| rest.split('"').next());
    let urls = page.split("url(").skip(1).map(|rest| rest.split(')').next());
    attributes.chain(urls).flatten().map(str::to_owned).collect()
}

fn assert_loads_nothing(page: &str) {
    for place in references(page) {
        let inner = place.starts_with("data:") || place.starts_with('#');
        let relative = !place.contains(':') && !place.starts_with('/');
        assert!(inner || relative, "{}", &place[..place.len().min(80)]);
    }
    for call in ["@import", "fetch(", "XMLHttpRequest", "WebSocket", "sendBeacon", "import(", "https:"] {
        assert!(!page.contains(call), "{call}");
    }
    // The name of the SVG name space is the only address in a page.
    assert_eq!(page.matches("http:").count(), page.matches("http://www.w3.org/2000/svg").count());
}

#[test]
fn pages_load_nothing_from_elsewhere() {
    for links in [Links::Siblings, Links::Embedded] {
        assert_loads_nothing(&html(&sample::report(), links));
    }
    assert_loads_nothing(&index_html(&sample::index()));
}

#[test]
fn a_page_holds_every_figure_in_two_sizes_and_the_whole_document() {
    let report = sample::report();
    let page = html(&report, Links::Siblings);
    for figure in report.figures() {
        assert_eq!(page.matches(&format!("data-figure=\"{}\"", figure.id)).count(), 1);
    }
    let count = report.figures().count();
    assert_eq!(page.matches("class=\"wide\"").count(), count);
    assert_eq!(page.matches("class=\"narrow\"").count(), count);
    let (_, rest) = page.split_once("<script type=\"application/json\" id=\"report-data\">").unwrap();
    let (data, _) = rest.split_once("</script>").unwrap();
    assert_eq!(Report::from_json(data).unwrap().to_json(), report.to_json());
}

#[test]
fn the_identifiers_of_a_page_are_unique() {
    let page = html(&sample::report(), Links::Siblings);
    let ids: Vec<&str> = page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(ids.len(), ids.iter().collect::<BTreeSet<_>>().len(), "{ids:?}");
}

#[test]
fn verdicts_are_told_in_words() {
    let page = html(&sample::report(), Links::Siblings);
    for words in ["1 held", "1 failed", "1 not reached", "the claim does not fail there", "0.42 ± 0.08"] {
        assert!(page.contains(words), "{words}");
    }
}

#[test]
fn a_bundle_holds_every_file_that_its_page_links_to() {
    let files = bundle(&sample::report()).unwrap();
    let paths: BTreeSet<&str> = files.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths.len(), files.len());
    assert_eq!(files.len(), 2 + 3 * sample::report().figures().count());
    let page = html(&sample::report(), Links::Siblings);
    let linked: Vec<String> =
        references(&page).into_iter().filter(|place| place.contains('.') && !place.contains(':')).collect();
    assert_eq!(linked.len(), files.len() - 1, "every file but the page itself: {linked:?}");
    assert!(linked.iter().all(|place| paths.contains(place.as_str())), "{linked:?}");
}

#[test]
fn a_page_that_travels_alone_has_no_links_to_other_files() {
    let page = html(&sample::report(), Links::Embedded);
    assert!(references(&page).iter().all(|place| place.starts_with("data:") || place.starts_with('#')));
}

#[test]
fn the_list_of_recipes_links_to_the_last_reports() {
    let files = index_bundle(&sample::index());
    assert_eq!(files.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(), ["index.json", "index.html"]);
    let page = index_html(&sample::index());
    assert!(page.contains("href=\"sample-matching/report.html\"") && page.contains("never run"));
    assert!(!page.contains("href=\"sample-never-run"));
}

#[test]
fn a_report_without_content_is_a_page_too() {
    let page = html(&Report::new("demo", ""), Links::Siblings);
    assert!(page.contains("<main></main>") && !page.contains("How this was made"));
}
