//! Patterns of paths, such as `.github/hooks/*.json`: relative, `/` between parts, `*` for any characters within one.

use std::path::{Path, PathBuf};

/// A pattern, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern<'a>(Vec<&'a str>);

impl<'a> Pattern<'a> {
    /// Takes a pattern apart.
    pub(crate) fn of(text: &'a str) -> Pattern<'a> {
        Pattern(text.split('/').filter(|part| !part.is_empty()).collect())
    }

    /// The folder below which `path` has this shape; `None` if it has another one.
    pub(crate) fn base<'p>(&self, path: &'p Path) -> Option<&'p Path> {
        self.base_of_first(path, self.0.len())
    }

    /// The folder below which the end of `path` has the shape of the first parts, and what is left of the pattern. Only
    /// parts that a folder of a platform begins with (`.claude`) tell it from any other folder.
    pub(crate) fn within<'p>(&self, path: &'p Path) -> Option<(&'p Path, Pattern<'a>)> {
        let distinct = self.0.first().is_some_and(|first| first.starts_with('.') || first.starts_with('_'));
        (1..=self.0.len())
            .rev()
            .filter(|count| distinct || *count == self.0.len())
            .find_map(|count| Some((self.base_of_first(path, count)?, Pattern(self.0[count..].to_vec()))))
    }

    fn base_of_first<'p>(&self, path: &'p Path, count: usize) -> Option<&'p Path> {
        let mut rest = path;
        for part in self.0[..count].iter().rev() {
            let name = rest.file_name()?.to_str()?;
            if !fits(part, name) {
                return None;
            }
            rest = rest.parent()?;
        }
        Some(rest)
    }

    /// What exists below `base` in this shape, by name.
    pub(crate) fn existing(&self, base: &Path) -> Vec<PathBuf> {
        let mut found = vec![base.to_owned()];
        for part in &self.0 {
            found = found.into_iter().flat_map(|folder| children(&folder, part)).collect();
        }
        found.retain(|path| path.exists());
        found
    }

    /// The first part, if it is a folder.
    pub(crate) fn folder(&self) -> Option<&'a str> {
        (self.0.len() > 1).then(|| self.0[0])
    }
}

impl std::fmt::Display for Pattern<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.join("/"))
    }
}

/// Whether `path` ends in the shape of one of the patterns.
pub(crate) fn any(patterns: &[String], path: &Path) -> bool {
    patterns.iter().any(|pattern| Pattern::of(pattern).base(path).is_some())
}

fn children(folder: &Path, part: &str) -> Vec<PathBuf> {
    if !part.contains('*') {
        return vec![folder.join(part)];
    }
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let names = entries.filter_map(|entry| Some(entry.ok()?.file_name().to_str()?.to_owned()));
    let mut names: Vec<String> = names.filter(|name| fits(part, name)).collect();
    names.sort();
    names.into_iter().map(|name| folder.join(name)).collect()
}

/// Whether a name has the shape of one part. A star stands for no leading dot, so that `*.json` leaves out `.x.json`.
fn fits(part: &str, name: &str) -> bool {
    match part.split_once('*') {
        None => part == name,
        Some((before, after)) => {
            name.len() >= before.len() + after.len()
                && name.starts_with(before)
                && name.ends_with(after)
                && !(before.is_empty() && name.starts_with('.'))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rstest::rstest;

    use super::{Pattern, any};

    #[rstest]
    #[case(".codex/hooks.json", "/p/.codex/hooks.json", Some("/p"))]
    #[case(".codex/hooks.json", "/p/hooks.json", None)]
    #[case(".github/hooks/*.json", "/p/q/.github/hooks/a.json", Some("/p/q"))]
    #[case(".github/hooks/*.json", "/p/.github/hooks/.a.json", None)]
    #[case("crush.json", "/p/crush.json", Some("/p"))]
    fn knows_its_base(#[case] pattern: &str, #[case] path: &str, #[case] base: Option<&str>) {
        assert_eq!(Pattern::of(pattern).base(Path::new(path)), base.map(Path::new));
        assert_eq!(any(&[pattern.to_owned()], Path::new(path)), base.is_some());
    }

    #[rstest]
    #[case("/p/.github", Some(("/p", "hooks/*.json")))]
    #[case("/p/.github/hooks", Some(("/p", "*.json")))]
    #[case("/p/hooks", None)]
    fn knows_what_is_left_within(#[case] path: &str, #[case] expected: Option<(&str, &str)>) {
        let found = Pattern::of(".github/hooks/*.json");
        let found = found.within(Path::new(path)).map(|(base, rest)| (base.to_owned(), rest.to_string()));
        assert_eq!(found, expected.map(|(base, rest)| (base.into(), rest.to_owned())));
    }

    #[test]
    fn finds_what_is_there() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("a/x")).unwrap();
        for name in ["a/x/2.json", "a/x/1.json", "a/x/1.txt"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let found = Pattern::of("a/*/*.json").existing(folder.path());
        assert_eq!(found, [folder.path().join("a/x/1.json"), folder.path().join("a/x/2.json")]);
        assert!(Pattern::of("b/*").existing(folder.path()).is_empty());
    }
}
