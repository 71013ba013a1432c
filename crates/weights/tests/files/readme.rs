//! The table of formats in the README is that of the code.

use std::{fs, path::Path};

use isoloss_weights::Format;
use tensor::Stored;

fn row(format: Format) -> String {
    let endings: Vec<String> = format.endings().iter().map(|ending| format!("`.{ending}`")).collect();
    let lacking: Vec<&str> =
        Stored::ALL.into_iter().filter(|stored| !format.holds(*stored)).map(Stored::name).collect();
    let elements = match &lacking[..] {
        [] => "all types".to_owned(),
        lacking => format!("all types but {}", lacking.join(", ")),
    };
    let says = if format.keeps_metadata() { "yes" } else { "no" };
    format!("| {format} | {} | {elements} | {says} |\n", endings.join(", "))
}

#[test]
fn the_table_of_formats_in_the_readme_is_that_of_the_code() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let table: String = Format::ALL.into_iter().map(row).collect();
    assert!(fs::read_to_string(readme).unwrap().contains(&table), "the README has not this table:\n{table}");
}
