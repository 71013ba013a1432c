//! Writes the test suite's sample report and list of recipes, whose numbers are invented, into a folder to look at:
//! `cargo run -p isoloss-report --example sample -- FOLDER`.

use std::error::Error;
use std::fs;
use std::path::PathBuf;

#[path = "../tests/all/sample.rs"]
mod sample;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("expected a folder to write into")?);
    let files = isoloss_report::bundle(&sample::report())?
        .into_iter()
        .chain(isoloss_report::index_bundle(&sample::index()));
    for (path, bytes) in files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap_or(&folder))?;
        fs::write(path, bytes)?;
    }
    let alone = isoloss_report::html(&sample::report(), isoloss_report::Links::Embedded);
    fs::write(folder.join("alone.html"), alone)?;
    fs::write(folder.join("report.txt"), isoloss_report::text::report(&sample::report()))?;
    let tables = isoloss_report::text::table(&sample::table());
    fs::write(folder.join("table.txt"), tables)?;
    fs::write(folder.join("report.md"), isoloss_report::markdown::report(&sample::report()))?;
    Ok(())
}
