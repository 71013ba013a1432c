//! Pages in a real browser, where one is installed.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use isoloss_report::{Links, html, index_html};

use crate::{hostile, sample};

/// Collects errors from the beginning.
const BEFORE: &str = "<script>window.faults=[];\
    addEventListener('error',(event)=>faults.push(String(event.message)));\
    addEventListener('unhandledrejection',(event)=>faults.push(String(event.reason)));\
    addEventListener('securitypolicyviolation',(event)=>faults.push(event.blockedURI));</script>";

/// Uses the page and writes down what it finds.
const AFTER: &str = r#"<script>
// The embedded typeface is there only after a first layout asked for it.
document.body.clientWidth;
document.fonts.ready.then(() => {
const visible = [...document.querySelectorAll("[data-figure] svg")].filter((svg) => svg.clientWidth > 0);
const outside = visible.flatMap((svg) => [...svg.querySelectorAll("text")].filter((text) => {
  const box = text.getBBox();
  const frame = svg.viewBox.baseVal;
  return box.x < -1 || box.y < -1 || box.x + box.width > frame.width + 1 || box.y + box.height > frame.height + 1;
})).map((text) => text.textContent);
if (visible[0]) {
  for (let i = 0; i < 13; i++) visible[0].dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
}
const said = document.querySelector(".tip")?.textContent ?? "";
const seen = document.querySelector(".tip")?.hidden === false;
visible[0]?.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
const hidden = document.querySelector(".tip")?.hidden ?? true;
const loaded = performance.getEntriesByType("resource").map((entry) => entry.name).filter((name) => !name.startsWith("data:"));
const root = document.documentElement;
root.dataset.probe = JSON.stringify({
  faults, outside, loaded, said, seen, hidden, figures: visible.length, wide: root.scrollWidth > root.clientWidth,
  interactive: root.dataset.interactive ?? "no", owned: root.dataset.owned ?? "no",
});
});
</script>"#;

fn browser() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    std::env::split_paths(&path)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|file| file.is_file())
}

/// Opens a page in a window of the given size and returns the probe's findings.
fn probed(browser: &PathBuf, page: &str, width: u32) -> serde_json::Value {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("page.html");
    let page =
        page.replacen("<head>", &format!("<head>{BEFORE}"), 1).replace("</body>", &format!("{AFTER}</body>"));
    fs::write(&file, page).expect("the folder takes files");
    let flags = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
                 --disable-component-update --disable-sync --disable-extensions --virtual-time-budget=10000 --dump-dom";
    let output = Command::new(browser)
        .args(flags.split_whitespace())
        .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
        .arg(format!("--window-size={width},900"))
        .arg(format!("file://{}", file.display()))
        .output()
        .expect("the browser starts");
    let dom = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    let probe = dom.split("data-probe=\"").nth(1).and_then(|rest| rest.split('"').next());
    let probe = probe
        .unwrap_or_else(|| panic!("the page was not probed: {errors}"))
        .replace("&quot;", "\"")
        .replace("&amp;", "&");
    serde_json::from_str(&probe).expect("the probe writes JSON")
}

#[expect(clippy::print_stderr, reason = "a skipped check must say so")]
fn with_browser(check: impl Fn(&PathBuf)) {
    match browser() {
        Some(browser) => check(&browser),
        None => eprintln!("skipped: no chromium on PATH"),
    }
}

fn assert_sound(found: &serde_json::Value) {
    for list in ["faults", "outside", "loaded"] {
        assert_eq!(found[list], serde_json::json!([]), "{list}");
    }
    assert_eq!((&found["wide"], &found["owned"]), (&false.into(), &"no".into()), "{found}");
}

#[test]
fn the_sample_works_in_wide_and_narrow_windows() {
    with_browser(|browser| {
        for width in [1200, 500] {
            let found = probed(browser, &html(&sample::report(), Links::Siblings), width);
            assert_sound(&found);
            assert_eq!((&found["figures"], &found["interactive"]), (&4.into(), &"yes".into()), "{found}");
            assert_eq!((&found["seen"], &found["hidden"]), (&true.into(), &true.into()), "{found}");
            let said = found["said"].as_str().unwrap_or_default();
            assert!(said.starts_with("λ 0.5") && said.contains("naive, test1.82 (1.6 to 2.04)"), "{said}");
        }
    });
}

#[test]
fn hostile_texts_do_nothing() {
    with_browser(|browser| {
        let found = probed(browser, &html(&hostile::report(), Links::Embedded), 1200);
        assert_eq!((&found["owned"], &found["faults"]), (&"no".into(), &serde_json::json!([])), "{found}");
        assert_eq!(found["interactive"], "yes");
    });
}

#[test]
fn the_list_of_recipes_works_in_a_narrow_window() {
    with_browser(|browser| assert_sound(&probed(browser, &index_html(&sample::index()), 500)));
}
