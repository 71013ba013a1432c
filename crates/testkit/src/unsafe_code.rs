//! The inventory of unsafe code, read off the sources.

use std::{
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

/// One use of the keyword and the comment that justifies it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsafeUse {
    /// What it is: `block`, `impl`, `trait` or `function`.
    pub kind: &'static str,
    /// The reason, from the `SAFETY` comment or, for a function or trait, from its `# Safety` section.
    pub reason: String,
}

/// The uses in one source text, in order.
#[must_use]
pub fn uses(source: &str) -> Vec<UnsafeUse> {
    let lines: Vec<&str> = source.lines().collect();
    let found = lines.iter().enumerate().filter_map(|(number, line)| {
        let kind = kind(line)?;
        Some(UnsafeUse { kind, reason: reason(&lines[..number], kind) })
    });
    found.collect()
}

fn kind(line: &str) -> Option<&'static str> {
    let code = line.split("//").next().unwrap_or_default();
    let after = code.split("unsafe ").nth(1).filter(|_| !code.contains('"'))?;
    Some(match after.split(['<', ' ', '(']).next()? {
        "impl" => "impl",
        "trait" => "trait",
        "fn" => "function",
        _ => "block",
    })
}

/// The nearest comment of the kind that justifies such a use.
fn reason(above: &[&str], kind: &str) -> String {
    let (marker, comment) =
        if ["function", "trait"].contains(&kind) { ("# Safety", "///") } else { ("SAFETY:", "//") };
    let Some(start) = above.iter().rposition(|line| line.contains(marker)) else { return String::new() };
    let text = |line: &str| line.trim().trim_start_matches('/').trim().to_owned();
    let first = above[start].split(marker).nth(1).unwrap_or_default().trim().to_owned();
    let rest = above[start + 1..].iter().take_while(|line| line.trim().starts_with(comment));
    let lines: Vec<String> =
        std::iter::once(first).chain(rest.map(|line| text(line))).filter(|line| !line.is_empty()).collect();
    lines.join(" ")
}

/// The inventory as a page: a section for each file under `folders`, paths relative to `root`.
///
/// # Errors
/// Where a file or folder cannot be read.
pub fn page(root: &Path, folders: &[PathBuf]) -> io::Result<String> {
    let mut page = String::from(
        "# Unsafe code\n\nEvery use of `unsafe`, with the comment that justifies it. Generated from the sources: \
         `ISOLOSS_ACCEPT_UNSAFE=1 cargo test -p isoloss-testkit --test unsafe_code`.\n",
    );
    let files = folders.iter().map(|folder| rust_files(folder)).collect::<io::Result<Vec<_>>>()?;
    for file in files.concat() {
        let uses = uses(&fs::read_to_string(&file)?);
        if !uses.is_empty() {
            let path = file.strip_prefix(root).unwrap_or(&file);
            let _ = write!(page, "\n## `{}`\n\n", path.display());
            uses.iter().for_each(|found| {
                let _ = writeln!(page, "- *{}*: {}", found.kind, found.reason);
            });
        }
    }
    Ok(page)
}

/// All `.rs` files under a folder, sorted.
///
/// # Errors
/// Where a folder cannot be read.
pub fn rust_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut entries = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    entries.sort();
    let mut files = Vec::new();
    for path in entries {
        if path.is_dir() {
            files.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(files)
}
