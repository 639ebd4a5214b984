//! Whose configuration lies at a path.

use std::path::{Path, PathBuf};

use super::discover::{has_hooks, patterns};
use super::pattern::Pattern;
use crate::contract::{Contract, Dialect, Library};

/// The platforms that have hooks at `path`, in the order of the library, each with the file or folder that shows it.
///
/// `path` is a file, or the folder of a project or a plugin. What counts is where a platform's own files lie; a file that
/// one platform reads besides its own, such as Claude Code's settings in Copilot, does not say that it is used here.
///
/// ```
/// use hookproof::contract::Library;
/// use hookproof::subject::platforms_at;
///
/// let folder = tempfile::tempdir()?;
/// std::fs::create_dir(folder.path().join(".gemini"))?;
/// std::fs::write(folder.path().join(".gemini/settings.json"), r#"{"hooks": {"BeforeTool": []}}"#)?;
/// let found = platforms_at(&Library::built_in()?, folder.path());
/// assert_eq!(found[0].0, "gemini-cli");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn platforms_at(library: &Library, path: &Path) -> Vec<(String, PathBuf)> {
    let Ok(path) = std::path::absolute(path) else { return Vec::new() };
    let contracts = library.platforms().filter_map(|id| library.select(id).ok());
    contracts.filter_map(|contract| Some((contract.platform.id.clone(), shown_by(&contract, &path)?))).collect()
}

/// What shows that the platform has hooks at `path`.
fn shown_by(contract: &Contract, path: &Path) -> Option<PathBuf> {
    let dialect = Dialect::of(contract)?;
    let shared = &dialect.settings.shared;
    let own: Vec<Pattern<'_>> =
        patterns(dialect).filter(|pattern| !shared.contains(*pattern)).map(|pattern| Pattern::of(pattern)).collect();
    if !path.is_dir() {
        // Files that are hooks themselves lie in a folder that the pattern describes.
        let is_own = |pattern: &Pattern<'_>| {
            pattern.base(path).is_some() || path.parent().is_some_and(|folder| pattern.base(folder).is_some())
        };
        return own.iter().any(is_own).then(|| path.to_owned());
    }
    let below = |pattern: &Pattern<'_>| match pattern.within(path) {
        Some((_, rest)) => rest.existing(path),
        None => pattern.existing(path),
    };
    let manifest = dialect.plugin.as_ref().and_then(|plugin| plugin.manifest.as_ref()).map(|name| path.join(name));
    let mut files = own.iter().flat_map(below).filter(|file| has_hooks(contract, dialect, file));
    files.next().or(manifest.filter(|manifest| manifest.is_file()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rstest::rstest;

    use super::platforms_at;
    use crate::contract::Library;

    const GROUPS: &str = r#"{"hooks": {"PreToolUse": [{"hooks": [{"type": "command", "command": "x"}]}]}}"#;

    #[rstest]
    #[case::project(&[(".claude/settings.json", GROUPS)], "", &["claude-code"])]
    #[case::file(&[(".claude/settings.json", GROUPS)], ".claude/settings.json", &["claude-code"])]
    #[case::folder(&[(".claude/settings.json", GROUPS)], ".claude", &["claude-code"])]
    #[case::without_hooks(&[(".claude/settings.json", r#"{"model": "x"}"#)], "", &[])]
    #[case::two(
        &[(".claude/settings.json", GROUPS), (".cursor/hooks.json", r#"{"version": 1, "hooks": {"stop": [{"command": "x"}]}}"#)],
        "",
        &["claude-code", "cursor"],
    )]
    #[case::both_of_a_shared_folder(
        &[(".github/hooks/x.json", r#"{"version": 1, "hooks": {"preToolUse": [{"type": "command", "bash": "x"}]}}"#)],
        ".github/hooks/x.json",
        &["copilot-cli", "vscode-copilot"],
    )]
    #[case::plugin(&[(".cursor-plugin/plugin.json", "{}")], "", &["cursor"])]
    #[case::files_that_are_hooks(&[(".clinerules/hooks/PreToolUse", "#!/bin/sh\n")], "", &["cline-sdk", "cline-vscode"])]
    #[case::one_of_them(
        &[(".clinerules/hooks/PreToolUse", "#!/bin/sh\n")],
        ".clinerules/hooks/PreToolUse",
        &["cline-sdk", "cline-vscode"],
    )]
    #[case::anywhere(&[("hooks.json", GROUPS)], "hooks.json", &[])]
    fn platforms_are_told_by_their_files(
        #[case] files: &[(&str, &str)],
        #[case] path: &str,
        #[case] expected: &[&str],
    ) {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let file = folder.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        let found = platforms_at(&Library::built_in().unwrap(), &folder.path().join(path));
        assert_eq!(found.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), expected);
    }
}
