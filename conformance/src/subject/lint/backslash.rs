//! `config.unquoted-backslash`: a path of Windows without quotes, of which a POSIX shell takes the backslashes away.

use super::line::Line;
use crate::contract::Evidence;
use crate::requirement::Level;
use crate::subject::notice::Remark;

/// Looks at a line.
pub(crate) fn check(line: &Line<'_>) -> Vec<Remark> {
    // Where another shell reads the line on Windows, a path of Windows is right as it is.
    if !line.posix_everywhere {
        return Vec::new();
    }
    let words = line.text.split(|c: char| c.is_whitespace() || ";|&()".contains(c));
    let mut open = None;
    for word in words {
        let outside = open.is_none();
        for c in word.chars().filter(|c| "'\"".contains(*c)) {
            match open {
                None => open = Some(c),
                Some(quote) if quote == c => open = None,
                Some(_) => {}
            }
        }
        if outside && let Some(path) = windows_path(word) {
            let slashes = path.replace('\\', "/");
            return vec![Remark {
                requirement: "config.unquoted-backslash",
                level: Some(Level::Must),
                evidence: Evidence::Measured,
                message: format!("`{path}` is without quotes"),
                consequence: format!(
                    "the shell takes the backslashes away, and looks for `{}`: the hook does not start",
                    path.replace('\\', "")
                ),
                help: format!("write \"{}\", with slashes and in quotes", from_the_root(line, &slashes)),
            }];
        }
    }
    Vec::new()
}

/// The path, from the project's directory on where it is relative.
fn from_the_root(line: &Line<'_>, path: &str) -> String {
    let absolute = path.starts_with(['/', '$', '~']) || path.contains(':');
    let project = line.contract.config.as_ref().and_then(|config| config.project.as_ref());
    match project.filter(|_| !absolute) {
        Some(project) => format!("${{{}}}/{}", project.root, path.trim_start_matches("./")),
        None => path.to_owned(),
    }
}

/// The word, if it is a path with backslashes between names, outside of quotes: behind a drive, or with two names at least.
/// An escaped blank, quote or sign is none.
fn windows_path(word: &str) -> Option<&str> {
    if word.contains(['\'', '"', '*', '[', '^', '+', '{', '/']) && !word.starts_with(|c: char| c.is_ascii_alphabetic())
    {
        return None;
    }
    let word = word.split(['\'', '"']).next().unwrap_or(word);
    let word = word.rsplit_once('=').map_or(word, |(_, value)| value);
    let behind_drive = word
        .split_once(":\\")
        .filter(|(drive, _)| drive.len() == 1 && drive.starts_with(|c: char| c.is_ascii_alphabetic()));
    let parts: Vec<&str> = word.split('\\').collect();
    let is_name = |part: &&str| part.len() > 1 && part.chars().all(|c| c.is_alphanumeric() || "._-~${}".contains(c));
    let relative = parts.len() >= 3
        && parts[1..].iter().all(is_name)
        && (is_name(&parts[0]) || [".", "..", "~"].contains(&parts[0]));
    let script = parts.len() == 2
        && parts.iter().all(|part| is_name(part) || *part == ".")
        && crate::subject::program::looks_like_script(word);
    (behind_drive.is_some_and(|(_, rest)| !rest.is_empty())
        || word.starts_with("\\\\") && parts.len() > 3
        || relative
        || script)
        .then_some(word)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::windows_path;

    #[rstest]
    #[case(r"C:\tools\guard.js", true)]
    #[case(r"C:\guard.js", true)]
    #[case(r".claude\hooks\guard.py", true)]
    #[case(r".\hooks\guard.py", true)]
    #[case(r"hooks\guard.py", true)]
    #[case(r"--config=C:\x\y.json", true)]
    #[case(r"my\ file.sh", false)]
    #[case(r"\$HOME", false)]
    #[case(r"\;", false)]
    #[case(r"a\;b", false)]
    #[case(r#"\"x\""#, false)]
    #[case(r"s/\.py$//", false)]
    #[case(r"\.(ts|js)$", false)]
    #[case(r"\n", false)]
    #[case(r"foo\.bar", false)]
    #[case(r"[a-z]\+\.py", false)]
    #[case("plain", false)]
    fn knows_a_path_of_windows(#[case] word: &str, #[case] expected: bool) {
        assert_eq!(windows_path(word).is_some(), expected);
    }
}
