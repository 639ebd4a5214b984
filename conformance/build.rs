//! Compiles every data file into the binary, so that a new contract, requirement, scenario, payload or schema is a file
//! and no change of Rust.
//!
//! It writes `embedded.rs` with one table a kind: `(path, text)`, sorted by path. Paths have forward slashes on every
//! operating system; they are what errors name.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// One kind of data file.
struct Table {
    /// Name of the table in the generated source.
    name: &'static str,
    /// Folder, relative to the crate.
    folder: &'static str,
    /// What stands before the file's own path in the table.
    shown: &'static str,
    /// Ending of the files.
    extension: &'static str,
}

const TABLES: &[Table] = &[
    Table { name: "CONTRACTS", folder: "contracts", shown: "contracts", extension: "toml" },
    Table { name: "REQUIREMENTS", folder: "requirements", shown: "requirements", extension: "toml" },
    Table { name: "LAUNCHERS", folder: "launchers", shown: "launchers", extension: "toml" },
    Table { name: "SCENARIOS", folder: "scenarios", shown: "scenarios", extension: "toml" },
    Table { name: "SCHEMAS", folder: "schemas", shown: "schemas", extension: "json" },
    Table { name: "PAYLOADS", folder: "../fixtures/payloads", shown: "fixtures/payloads", extension: "json" },
    Table { name: "TEMPLATES", folder: "../fixtures/payloads", shown: "fixtures/payloads", extension: "toml" },
    Table { name: "SITUATIONS", folder: "../fixtures/situations", shown: "fixtures/situations", extension: "toml" },
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    println!("cargo::rerun-if-changed=build.rs");
    let mut source = String::new();
    for table in TABLES {
        // Cargo watches a folder with everything in it.
        println!("cargo::rerun-if-changed={}", table.folder);
        let mut files = Vec::new();
        walk(&root.join(table.folder), table.shown, table.extension, &mut files)
            .map_err(|error| format!("failed to list the folder {}: {error}", table.folder))?;
        files.sort();
        writeln!(source, "pub(super) const {}: &[(&str, &str)] = &[", table.name)?;
        for (shown, path) in &files {
            let path = path.to_str().ok_or_else(|| format!("failed to name {shown}: its path is not UTF-8"))?;
            writeln!(source, "    ({shown:?}, include_str!({path:?})),")?;
        }
        writeln!(source, "];")?;
    }
    let target = PathBuf::from(env::var("OUT_DIR")?).join("embedded.rs");
    // An unchanged file keeps its time, so that nothing is compiled anew.
    if fs::read_to_string(&target).ok().as_deref() != Some(source.as_str()) {
        fs::write(&target, source)?;
    }
    Ok(())
}

/// Collects the files below `folder`; a folder that is not there holds none.
fn walk(folder: &Path, shown: &str, extension: &str, files: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{} is not UTF-8", path.display())));
        };
        let shown = format!("{shown}/{name}");
        if path.is_dir() {
            walk(&path, &shown, extension, files)?;
        } else if path.extension().is_some_and(|found| found == extension) {
            files.push((shown, path));
        }
    }
    Ok(())
}
