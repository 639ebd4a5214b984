//! Where a word points to in the file system, as far as its text tells.

use crate::shell::{Part, Word};

/// What a path begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Anchor {
    /// `/`
    Root,
    /// A home folder, whoever's.
    Home,
    /// `C:\`, `/c/` or `/mnt/c/`.
    Drive,
    /// A variable that nobody knows, or a relative path with nothing to be relative to.
    Unknown,
}

/// One segment of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Name(String),
    /// A pattern. `everything` if it is nothing but wildcards, as `*`, `.*` and `.[!.]*` are.
    Pattern {
        everything: bool,
    },
}

/// A path without `.` and `..`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    anchor: Anchor,
    segments: Vec<Segment>,
}

/// What a path is made of before it is cut into segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Atom {
    Char(char),
    Wildcard(char),
    Home,
    Unknown,
}

/// Folders directly below the root that belong to the system or hold everyone's files.
const SYSTEM: &[&str] = &[
    "bin",
    "boot",
    "dev",
    "etc",
    "home",
    "lib",
    "lib32",
    "lib64",
    "media",
    "mnt",
    "opt",
    "proc",
    "root",
    "run",
    "sbin",
    "srv",
    "sys",
    "usr",
    "var", // Linux
    "Applications",
    "Library",
    "System",
    "Users",
    "Volumes",
    "private", // macOS
];

/// Folders below those without which a system does not run.
const SYSTEM_BELOW: &[(&str, &str)] = &[
    ("usr", "bin"),
    ("usr", "include"),
    ("usr", "lib"),
    ("usr", "lib64"),
    ("usr", "local"),
    ("usr", "sbin"),
    ("usr", "share"),
    ("var", "lib"),
    ("private", "etc"),
    ("private", "var"),
];

/// Folders directly below a Windows drive, in lower case.
const WINDOWS: &[&str] = &["windows", "users", "program files", "program files (x86)", "programdata"];

/// The names of protected folders, each once.
pub(super) fn known() -> Vec<&'static str> {
    let below = SYSTEM_BELOW.iter().map(|(_, name)| name);
    let mut names: Vec<_> = SYSTEM.iter().chain(below).chain(WINDOWS).copied().collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The values that a script has given to its variables.
pub(crate) trait Variables {
    /// The value of `name`, or `None` if the script does not say.
    fn value(&self, name: &str) -> Option<&Word>;
}

impl Place {
    /// Somewhere that cannot be told.
    pub(crate) fn unknown() -> Self {
        Self { anchor: Anchor::Unknown, segments: Vec::new() }
    }

    /// A home folder.
    pub(crate) fn home() -> Self {
        Self { anchor: Anchor::Home, segments: Vec::new() }
    }

    /// Where a path without any expansion points to, seen from `folder`.
    pub(crate) fn of_path(path: &str, folder: &Self) -> Self {
        Self::of_atoms(&path.chars().map(Atom::Char).collect::<Vec<_>>(), folder)
    }

    /// Where a word of a command points to, seen from `folder`.
    pub(crate) fn of_word(word: &Word, folder: &Self, variables: &impl Variables) -> Self {
        let mut atoms = Vec::new();
        flatten(&word.parts, folder, variables, 0, &mut atoms);
        Self::of_atoms(&atoms, folder)
    }

    fn of_atoms(atoms: &[Atom], folder: &Self) -> Self {
        let drive = matches!(atoms, [Atom::Char(letter), Atom::Char(':'), ..] if letter.is_ascii_alphabetic());
        let is_separator = |atom: &Atom| *atom == Atom::Char('/') || (drive && *atom == Atom::Char('\\'));
        let (mut place, rest) = match atoms.first() {
            _ if drive => (Self::at(Anchor::Drive), &atoms[2..]),
            Some(Atom::Char('/')) => (Self::at(Anchor::Root), atoms),
            Some(Atom::Home) => (Self::home(), &atoms[1..]),
            Some(Atom::Unknown) | None => return Self::unknown(),
            Some(_) => (folder.clone(), atoms),
        };
        for segment in rest.split(is_separator) {
            place.step(segment);
        }
        place.mounted_drive()
    }

    fn at(anchor: Anchor) -> Self {
        Self { anchor, segments: Vec::new() }
    }

    fn step(&mut self, segment: &[Atom]) {
        if segment.contains(&Atom::Home) {
            // `/x/~` never expands and `/x$HOME` points to somewhere below; neither is a folder that matters here.
            self.segments.push(Segment::Name("~".into()));
            return;
        }
        if segment.contains(&Atom::Unknown) {
            self.segments.push(Segment::Name("$".into()));
            return;
        }
        if segment.iter().any(|atom| matches!(atom, Atom::Wildcard(_))) {
            self.segments.push(Segment::Pattern { everything: matches_everything(segment) });
            return;
        }
        let name: String = segment
            .iter()
            .map(|atom| match atom {
                Atom::Char(c) | Atom::Wildcard(c) => *c,
                Atom::Home | Atom::Unknown => '$',
            })
            .collect();
        match name.as_str() {
            "" | "." => {}
            ".." => {
                if self.segments.pop().is_none() && self.anchor == Anchor::Home {
                    // The folder above a home folder is the one with all home folders.
                    *self = Self::at(Anchor::Root);
                    self.segments.push(Segment::Name("home".into()));
                }
            }
            _ => self.segments.push(Segment::Name(name)),
        }
    }

    /// Git Bash's `/c/` and the Windows Subsystem for Linux's `/mnt/c/` are drives.
    fn mounted_drive(mut self) -> Self {
        // Only the usual letters: a folder `/x` of a container is no drive.
        let is_letter =
            |segment: &Segment| matches!(segment, Segment::Name(name) if ["c", "d", "e"].contains(&name.as_str()));
        if self.anchor == Anchor::Root {
            let below = match self.segments.as_slice() {
                [letter, ..] if is_letter(letter) => 1,
                [Segment::Name(mnt), letter, ..] if mnt == "mnt" && is_letter(letter) => 2,
                _ => return self,
            };
            self.anchor = Anchor::Drive;
            self.segments.drain(..below);
        }
        self
    }

    /// Whether the path is so long that it is not worth remembering.
    pub(crate) fn is_endless(&self) -> bool {
        self.segments.len() > 256
    }

    /// The names of the segments of an absolute path, if it has no pattern.
    pub(crate) fn names(&self) -> Option<Vec<&str>> {
        if self.anchor != Anchor::Root {
            return None;
        }
        self.below()
    }

    /// The names of the segments, whatever the path begins with, if it has no pattern.
    pub(crate) fn below(&self) -> Option<Vec<&str>> {
        self.segments
            .iter()
            .map(|segment| match segment {
                Segment::Name(name) => Some(name.as_str()),
                Segment::Pattern { .. } => None,
            })
            .collect()
    }

    /// Whether the path is the root, a home folder, a system folder, or everything in one of them.
    pub(crate) fn is_protected(&self) -> bool {
        let everything = |segment: &Segment| *segment == Segment::Pattern { everything: true };
        let end = self.segments.len() - self.segments.iter().rev().take_while(|s| everything(s)).count();
        let folder = &self.segments[..end];
        let mut names = Vec::new();
        for segment in folder {
            match segment {
                Segment::Name(name) => names.push(name.as_str()),
                // `/e*` is some of the root's folders; `/srv/*.log` is not the system.
                Segment::Pattern { .. } => {
                    return self.anchor == Anchor::Root && self.segments.len() == 1;
                }
            }
        }
        match self.anchor {
            Anchor::Unknown => false,
            Anchor::Home => names.is_empty(),
            Anchor::Drive => match names.as_slice() {
                [] => true,
                [one] => WINDOWS.contains(&one.to_lowercase().as_str()),
                [users, _] => users.eq_ignore_ascii_case("users"),
                _ => false,
            },
            Anchor::Root => match names.as_slice() {
                [] => true,
                [one] => SYSTEM.contains(one),
                ["home" | "Users", _] => true,
                [one, two] => SYSTEM_BELOW.contains(&(*one, *two)),
                _ => false,
            },
        }
    }
}

/// Whether a pattern is nothing but wildcards: `*`, `?*`, `.*`, `[a-z]*`, `.[!.]*`.
fn matches_everything(segment: &[Atom]) -> bool {
    let mut star = false;
    let mut in_brackets = false;
    for atom in segment {
        match atom {
            Atom::Char(']') if in_brackets => in_brackets = false,
            _ if in_brackets => {}
            Atom::Wildcard('[') => in_brackets = true,
            Atom::Wildcard('*') => star = true,
            Atom::Wildcard(_) | Atom::Char('.') => {}
            _ => return false,
        }
    }
    star
}

/// Variables that refer to each other are followed this far.
const CHAIN: usize = 8;

fn flatten(parts: &[Part], folder: &Place, variables: &impl Variables, chain: usize, atoms: &mut Vec<Atom>) {
    for part in parts {
        match part {
            Part::Text { text, .. } => atoms.extend(text.chars().map(Atom::Char)),
            Part::Tilde => atoms.push(Atom::Home),
            Part::Glob(c) => atoms.push(Atom::Wildcard(*c)),
            Part::Substitution { .. } => atoms.push(Atom::Unknown),
            Part::Variable { name, .. } => match (name.as_str(), variables.value(name)) {
                (_, Some(value)) if chain < CHAIN => {
                    flatten(&value.parts, folder, variables, chain + 1, atoms);
                }
                ("HOME" | "USERPROFILE", _) => atoms.push(Atom::Home),
                ("PWD", _) if atoms.is_empty() => pwd(folder, atoms),
                _ => atoms.push(Atom::Unknown),
            },
        }
    }
}

/// The current folder, spelled out where it can be.
fn pwd(folder: &Place, atoms: &mut Vec<Atom>) {
    match (folder.anchor, folder.below()) {
        (Anchor::Root, Some(names)) => {
            atoms.push(Atom::Char('/'));
            atoms.extend(names.join("/").chars().map(Atom::Char));
        }
        (Anchor::Home, Some(names)) => {
            atoms.push(Atom::Home);
            for name in names {
                atoms.push(Atom::Char('/'));
                atoms.extend(name.chars().map(Atom::Char));
            }
        }
        _ => atoms.push(Atom::Unknown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("/", true)]
    #[case("//", true)]
    #[case("/./", true)]
    #[case("/tmp/..", true)]
    #[case("/../..", true)]
    #[case("/etc", true)]
    #[case("/etc/", true)]
    #[case("/usr/local", true)]
    #[case("/usr/local/share/x", false)]
    #[case("/home/dev", true)]
    #[case("/home/dev/project", false)]
    #[case("/Users/dev/", true)]
    #[case("/var/lib", true)]
    #[case("/var/lib/apt/lists", false)]
    #[case("/tmp", false)]
    #[case("/tmp/x", false)]
    #[case("C:\\", true)]
    #[case("c:/Windows", true)]
    #[case("C:\\Users\\dev", true)]
    #[case("C:\\Users\\dev\\app", false)]
    #[case("/c/", true)]
    #[case("/mnt/d", true)]
    #[case("/c/Users/dev/app", false)]
    #[case("..", true)]
    #[case(".", false)]
    #[case("../..", true)]
    #[case("../../../tmp/x", false)]
    #[case("node_modules", false)]
    #[case("", false)]
    fn protection_seen_from_a_project(#[case] path: &str, #[case] protected: bool) {
        let folder = Place::of_path("/home/dev/project", &Place::unknown());
        assert_eq!(Place::of_path(path, &folder).is_protected(), protected);
    }

    #[test]
    fn an_unknown_folder_protects_nothing() {
        assert!(!Place::of_path("..", &Place::unknown()).is_protected());
        assert!(!Place::unknown().is_protected());
    }
}
