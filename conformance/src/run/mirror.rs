//! A copy of a project, so that a stranger's hooks find their scripts and write nowhere else.
//!
//! What is copied is decided once, and is the same for every run of a check. What the commands name comes first, then what
//! lies beside that, then directories of configuration, then the rest from the top down.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use hookproof_harness::Invocation;
use serde::{Deserialize, Serialize};

use crate::outside;
use crate::subject::{PROJECT_AT_RUN, Subject};

/// Files that are copied at most.
const FILES: usize = 4000;
/// Bytes that are copied at most.
pub(super) const BYTES: u64 = 64 * 1024 * 1024;
/// Entries of a project that are looked at.
const LOOKED_AT: usize = 100_000;
/// Directories that hold what can be made anew from the project, and what no hook needs.
const NEVER: &[&str] = &[".git", "target", "__pycache__"];
/// Directories that hold what others have written, and are copied only where a command names something in them.
const DEPENDENCIES: &[&str] = &["node_modules", ".venv", "venv"];
/// Names that are told.
const TOLD: usize = 5;

/// What the copy of a project does not have.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotCopied {
    /// The project.
    pub project: PathBuf,
    /// Files that there was no room for.
    pub files: usize,
    /// Whether there are more than were counted.
    pub more: bool,
    /// Some of these files, and directories of dependencies, as paths in the project.
    pub names: Vec<String>,
    /// Directories and files that cannot be read, as paths in the project.
    pub unreadable: Vec<String>,
}

impl NotCopied {
    /// Whether everything is there that a hook could need.
    pub(crate) fn is_nothing(&self) -> bool {
        self.files == 0 && !self.more && self.names.is_empty() && self.unreadable.is_empty()
    }

    /// What is missing, in a sentence.
    #[must_use]
    pub fn told(&self) -> String {
        let mut parts = Vec::new();
        if self.files > 0 || self.more {
            let least = if self.more { "more than " } else { "" };
            parts.push(format!("{least}{} files for which there was no room", self.files));
        }
        if !self.names.is_empty() {
            parts.push(format!("such as {}", self.names.join(", ")));
        }
        if !self.unreadable.is_empty() {
            parts.push(format!("what cannot be read: {}", self.unreadable.join(", ")));
        }
        format!("the copy of {} leaves out {}", self.project.display(), parts.join(", "))
    }
}

/// What is copied of a project.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Directories, from the top down.
    folders: Vec<PathBuf>,
    files: Vec<PathBuf>,
    pub(crate) not_copied: NotCopied,
}

/// A project, and the files in it that a command names.
type Key = (PathBuf, Vec<PathBuf>);

/// What is copied of the project of a subject; `None` if it has none.
pub(crate) fn plan(subject: &Subject) -> Option<Arc<Plan>> {
    Some(plan_of(subject.project.as_ref()?, &named(subject)))
}

/// What is copied of a project. It is looked through once.
pub(super) fn plan_of(project: &Path, named: &[PathBuf]) -> Arc<Plan> {
    static PLANS: LazyLock<Mutex<BTreeMap<Key, Arc<Plan>>>> = LazyLock::new(Mutex::default);
    let mut plans = PLANS.lock().unwrap_or_else(PoisonError::into_inner);
    let key = (project.to_owned(), named.to_vec());
    Arc::clone(plans.entry(key).or_insert_with(|| Arc::new(Plan::make(project, named))))
}

/// The files of its project that a subject's command names, relative to it.
pub(super) fn named(subject: &Subject) -> Vec<PathBuf> {
    let Some(project) = &subject.project else { return Vec::new() };
    let texts: Vec<String> = match &subject.invocation {
        Invocation::Program { program, args } => {
            let words = std::iter::once(program.as_os_str()).chain(args.iter().map(OsStr::new));
            words.map(|word| word.to_string_lossy().into_owned()).collect()
        }
        Invocation::Shell { line, .. } => vec![line.to_string_lossy().into_owned()],
    };
    let breaks = |c: char| c.is_whitespace() || "\"';|&()<>`=".contains(c);
    let words = texts.iter().flat_map(|text| std::iter::once(text.as_str()).chain(text.split(breaks)));
    let found: BTreeSet<PathBuf> = words.take(2000).filter_map(|word| in_project(project, word)).collect();
    found.into_iter().collect()
}

/// The file of the project that a word leads to.
fn in_project(project: &Path, word: &str) -> Option<PathBuf> {
    let word = word.strip_prefix(PROJECT_AT_RUN).unwrap_or(word);
    // Which variable it is does not matter if there is such a file.
    let rest = if word.starts_with('$') { word.split_once('/')?.1 } else { word };
    let path = Path::new(rest);
    let below = path.strip_prefix(project).unwrap_or(path);
    let below: PathBuf = below
        .components()
        .filter(|part| !matches!(part, Component::CurDir | Component::RootDir))
        .map(|part| if let Component::Normal(name) = part { Some(name) } else { None })
        .collect::<Option<_>>()?;
    (!below.as_os_str().is_empty() && project.join(&below).is_file()).then_some(below)
}

/// Copies `from` into the directory `to`. Links are copied as what they point to, except to directories.
///
/// # Errors
/// If the copy cannot be made. A file that cannot be read is left out.
pub(super) fn copy(from: &Path, to: &Path, named: &[PathBuf]) -> io::Result<()> {
    let plan = plan_of(from, named);
    for folder in &plan.folders {
        fs::create_dir_all(to.join(folder))?;
    }
    for file in &plan.files {
        // What has gone since is not there for the hook either.
        let _ = outside::copy(&from.join(file), &to.join(file), BYTES);
    }
    Ok(())
}

impl Plan {
    fn make(project: &Path, named: &[PathBuf]) -> Plan {
        let mut look = Look {
            project,
            room: (FILES, BYTES),
            entries: LOOKED_AT,
            taken: BTreeSet::new(),
            seen: BTreeSet::new(),
            plan: Plan {
                not_copied: NotCopied { project: project.to_owned(), ..NotCopied::default() },
                ..Plan::default()
            },
        };
        named.iter().for_each(|file| look.file(file));
        // A script finds its modules beside it, an interpreter its library around it.
        for file in named {
            let parts: Vec<_> = file.components().collect();
            let within = parts.iter().position(|part| DEPENDENCIES.iter().any(|name| part.as_os_str() == *name));
            let beside = match within {
                Some(at) => Some(parts[..=at].iter().collect::<PathBuf>()),
                None => file.parent().map(Path::to_owned),
            };
            if let Some(folder) = beside.filter(|folder| !folder.as_os_str().is_empty()) {
                look.walk(folder);
            }
        }
        look.walk(PathBuf::new());
        look.plan
    }
}

/// A look through a project.
struct Look<'a> {
    project: &'a Path,
    room: (usize, u64),
    /// Entries that may still be looked at.
    entries: usize,
    taken: BTreeSet<PathBuf>,
    seen: BTreeSet<PathBuf>,
    plan: Plan,
}

impl Look<'_> {
    /// Takes a directory with everything in it, from the top down; of two on the same level the hidden one first.
    fn walk(&mut self, top: PathBuf) {
        let mut open = VecDeque::from([top]);
        while let Some(folder) = open.pop_front() {
            if !self.seen.insert(folder.clone()) {
                continue;
            }
            let Ok(entries) = fs::read_dir(self.project.join(&folder)) else {
                self.unreadable(&folder);
                continue;
            };
            self.plan.folders.push(folder.clone());
            let mut entries: Vec<_> = entries.filter_map(Result::ok).take(self.entries).collect();
            self.entries -= entries.len();
            if self.entries == 0 {
                self.plan.not_copied.more = true;
            }
            let hidden = |name: &OsStr| name.to_string_lossy().starts_with('.');
            entries.sort_by_key(|entry| (!hidden(&entry.file_name()), entry.file_name()));
            for entry in entries {
                let name = entry.file_name();
                let path = folder.join(&name);
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => self.folder(path, &name, &mut open),
                    Ok(_) => self.file(&path),
                    Err(_) => self.unreadable(&path),
                }
            }
        }
    }

    fn folder(&mut self, path: PathBuf, name: &OsStr, open: &mut VecDeque<PathBuf>) {
        if NEVER.iter().any(|known| name == *known) || self.seen.contains(&path) {
            return;
        }
        if DEPENDENCIES.iter().any(|known| name == *known) {
            self.tell(&path);
        } else if name.to_string_lossy().starts_with('.') {
            open.push_front(path);
        } else {
            open.push_back(path);
        }
    }

    fn file(&mut self, path: &Path) {
        if self.taken.contains(path) {
            return;
        }
        let full = self.project.join(path);
        // What is no regular file, such as a link to a directory or a socket, is nothing that could be copied.
        let Ok(metadata) = fs::metadata(&full) else {
            if full.symlink_metadata().is_ok_and(|link| !link.is_symlink()) {
                self.unreadable(path);
            }
            return;
        };
        if !metadata.is_file() {
            return;
        }
        let (files, bytes) = self.room;
        if files == 0 || metadata.len() > bytes {
            self.plan.not_copied.files += 1;
            self.tell(path);
            return;
        }
        if outside::head(&full, 1).is_err() {
            self.unreadable(path);
            return;
        }
        self.room = (files - 1, bytes - metadata.len());
        self.taken.insert(path.to_owned());
        // A named file comes before its directory.
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            self.plan.folders.push(folder.to_owned());
        }
        self.plan.files.push(path.to_owned());
    }

    fn tell(&mut self, path: &Path) {
        if self.plan.not_copied.names.len() < TOLD {
            self.plan.not_copied.names.push(path.display().to_string());
        }
    }

    fn unreadable(&mut self, path: &Path) {
        let list = &mut self.plan.not_copied.unreadable;
        match list.len() {
            ..TOLD => list.push(path.display().to_string()),
            TOLD => list.push("and more".to_owned()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use tempfile::TempDir;

    use super::{FILES, Plan, copy, named};
    use crate::subject::from_command;

    fn project(files: &[&str]) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file).unwrap();
        }
        folder
    }

    #[test]
    fn scripts_come_along_and_dependencies_are_told() {
        let from = project(&[".claude/hooks/guard.sh", "node_modules/big/x.js", "scripts/check.py", ".git/config"]);
        let to = tempfile::tempdir().unwrap();
        copy(from.path(), to.path(), &[]).unwrap();
        assert_eq!(fs::read_to_string(to.path().join(".claude/hooks/guard.sh")).unwrap(), ".claude/hooks/guard.sh");
        assert!(to.path().join("scripts/check.py").exists());
        assert!(!to.path().join("node_modules").exists() && !to.path().join(".git").exists());
        let not_copied = &Plan::make(from.path(), &[]).not_copied;
        assert_eq!((not_copied.files, &not_copied.names), (0, &vec!["node_modules".to_owned()]));
        assert!(not_copied.told().ends_with("leaves out such as node_modules"), "{}", not_copied.told());
    }

    #[test]
    fn what_a_command_names_comes_first() {
        let from =
            project(&["z/deep/guard.py", "z/deep/rules.json", "node_modules/tool/run.js", "node_modules/tool/lib.js"]);
        for number in 0..FILES {
            fs::write(from.path().join(format!("{number}.txt")), "").unwrap();
        }
        let mut subject = from_command("sh".as_ref(), &[]);
        subject.project = Some(from.path().to_owned());
        subject.invocation = hookproof_harness::Invocation::Shell {
            shell: vec!["sh".into()],
            line: "python3 \"$CLAUDE_PROJECT_DIR/z/deep/guard.py\" && node ./node_modules/tool/run.js ../x /etc/passwd"
                .into(),
        };
        let files = named(&subject);
        assert_eq!(files, ["node_modules/tool/run.js", "z/deep/guard.py"].map(PathBuf::from));
        let plan = Plan::make(from.path(), &files);
        for needed in ["z/deep/guard.py", "z/deep/rules.json", "node_modules/tool/run.js", "node_modules/tool/lib.js"] {
            assert!(plan.files.contains(&PathBuf::from(needed)), "{needed}");
        }
        assert_eq!((plan.files.len(), plan.not_copied.files), (FILES, 4));
        assert!(!plan.not_copied.is_nothing());
        let to = tempfile::tempdir().unwrap();
        copy(from.path(), to.path(), &files).unwrap();
        assert!(to.path().join("z/deep/rules.json").is_file());
        assert!(Plan::make(to.path(), &files).files.iter().any(|file| file == Path::new("0.txt")));
    }

    #[cfg(unix)]
    #[test]
    fn what_cannot_be_read_is_passed_over_and_told() {
        use std::os::unix::fs::{PermissionsExt, symlink};

        let from = project(&["a.sh", "secret/x", "locked.txt"]);
        for name in ["secret", "locked.txt"] {
            fs::set_permissions(from.path().join(name), fs::Permissions::from_mode(0o000)).unwrap();
        }
        symlink("/dev/zero", from.path().join("zero")).unwrap();
        symlink(from.path(), from.path().join("loop")).unwrap();
        let plan = Plan::make(from.path(), &[]);
        assert_eq!(plan.files[0], PathBuf::from("a.sh"));
        // Root may read everything.
        if fs::read_dir(from.path().join("secret")).is_err() {
            assert_eq!(plan.not_copied.unreadable, ["locked.txt", "secret"]);
            assert!(plan.not_copied.told().ends_with("what cannot be read: locked.txt, secret"));
        }
        fs::set_permissions(from.path().join("secret"), fs::Permissions::from_mode(0o700)).unwrap();
    }
}
