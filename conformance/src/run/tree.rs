//! The directories of a run, and how they are used again.
//!
//! Making and removing the directories of a run costs more than starting most hooks does. So a worker keeps them, and puts
//! back what a run has changed. What a run may have left behind where nobody can see it makes directories unfit for another
//! run; they are removed then, and the next run gets new ones.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use hookproof_harness::remove_tree;

use super::mark::Mark;
use super::mirror::BYTES as LARGEST;
use super::scratch::Scratch;
use super::{document, mirror, repository, scratch};
use crate::contract::Contract;
use crate::outside;
use crate::payload::Payload;

/// The name of a folder that people have, and that unquoted variables break on.
const ODD: &str = "my \u{201c}project\u{201d} it's \u{e9} \u{65e5}\u{672c}\u{8a9e} $(printf HOOKPROOF-%s EXPANDED)";
/// The name of the home directory.
const HOME: &str = "home";
/// How many trees a worker keeps. Most checks need three or four shapes.
const KEPT: usize = 6;
/// The coarsest clock of a file system that changes are told by (one tick at 100 Hz), twice.
const TICK: Duration = Duration::from_millis(20);

/// What makes the directories of two runs different before anything has run in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shape {
    /// The project has a name that unquoted variables break on.
    pub(super) odd: bool,
    /// The directory beside the project is a repository, because the hook is started there.
    pub(super) elsewhere: bool,
    /// The project that this one is a copy of.
    pub(super) original: Option<PathBuf>,
    /// The files of it that the command names.
    pub(super) named: Vec<PathBuf>,
    pub(super) transcript: Option<Transcript>,
}

/// The file that documents name as the transcript of the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Transcript {
    /// Where, below the directories of the run.
    path: PathBuf,
    text: String,
}

impl Transcript {
    /// The one that a payload names, if it lies in the directories of the run. `odd` as in [`Shape`].
    pub(super) fn of(contract: &Contract, payload: &Payload, odd: bool) -> Option<Self> {
        let transcript = contract.transcript.as_ref()?;
        let named = payload.stdin.get(&transcript.field)?.as_str()?;
        let home = Path::new(HOME);
        let path = PathBuf::from(document::relocated(named, home, &home.join(project_name(odd))));
        let is_below = path.starts_with(home) && path.components().all(|part| matches!(part, Component::Normal(_)));
        is_below.then(|| Transcript { path, text: transcript.lines.join("\n") + "\n" })
    }
}

fn project_name(odd: bool) -> &'static str {
    if odd { ODD } else { "project" }
}

/// The directories of a run. They are gone when the value is dropped.
#[derive(Debug)]
pub(super) struct Tree {
    _root: Scratch,
    shape: Shape,
    pub(super) base: PathBuf,
    pub(super) home: PathBuf,
    pub(super) project: PathBuf,
    pub(super) elsewhere: PathBuf,
    pub(super) temp: PathBuf,
    pub(super) session: PathBuf,
    pub(super) state: PathBuf,
    pub(super) plugin_data: PathBuf,
    /// Everything below `base` as it was made, by path; `None` where the system does not tell of every change.
    made: Option<BTreeMap<PathBuf, Entry>>,
    /// What the system tells of `base` itself.
    mark: Option<Mark>,
    /// When what was made last was made.
    finished: SystemTime,
}

/// A file or a directory as it was made.
#[derive(Debug)]
struct Entry {
    mark: Mark,
    source: Source,
}

#[derive(Debug)]
enum Source {
    Directory,
    Bytes(Vec<u8>),
    /// A file of the original project.
    Copy(PathBuf),
}

impl Tree {
    fn new(shape: Shape) -> io::Result<Self> {
        let root = scratch::folder()?;
        // Platforms name folders by their real path; macOS has its temporary folder behind a link.
        let base = fs::canonicalize(root.path()).map_or_else(|_| root.path().to_owned(), plain);
        let home = base.join(HOME);
        let project = home.join(project_name(shape.odd));
        let at = |name: &str| base.join(name);
        let mut tree = Tree {
            _root: root,
            elsewhere: at("elsewhere"),
            temp: at("tmp"),
            session: at("session"),
            state: at("state"),
            plugin_data: at("plugin-data"),
            shape,
            base,
            home,
            project,
            made: None,
            mark: None,
            finished: SystemTime::now(),
        };
        let own = [&tree.home, &tree.project, &tree.elsewhere, &tree.temp, &tree.session, &tree.state];
        for folder in own.into_iter().chain([&tree.plugin_data]) {
            fs::create_dir(folder)?;
        }
        // Wherever a session stands, it mostly stands in a project. What lies in a copied one is not known to any commit
        // that we could make, so that it has no history here.
        match &tree.shape.original {
            Some(original) => {
                mirror::copy(original, &tree.project, &tree.shape.named)?;
                repository::write_empty(&tree.project)?;
            }
            None => repository::write(&tree.project)?,
        }
        if tree.shape.elsewhere {
            repository::write_empty(&tree.elsewhere)?;
        }
        if let Some(Transcript { path, text }) = &tree.shape.transcript {
            let path = tree.base.join(path);
            // Odd names in hostile payloads may be none that this file system takes; the file may be absent then.
            let _ = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, text));
        }
        if Mark::TELLS_EVERY_CHANGE {
            tree.made = Some(tree.entries()?);
            tree.mark = Some(Mark::of(&tree.base.symlink_metadata()?));
        }
        tree.finished = SystemTime::now();
        Ok(tree)
    }

    /// Everything below the base, and where it comes from.
    fn entries(&self) -> io::Result<BTreeMap<PathBuf, Entry>> {
        let mut entries = BTreeMap::new();
        for (path, metadata) in everything_below(&self.base)? {
            let source = if metadata.is_dir() {
                Source::Directory
            } else {
                match self.original_of(&path) {
                    Some(original) => Source::Copy(original),
                    None => Source::Bytes(outside::read(&path, outside::CONFIGURATION)?),
                }
            };
            entries.insert(path, Entry { mark: Mark::of(&metadata), source });
        }
        Ok(entries)
    }

    /// The file of the original project that a file is a copy of.
    fn original_of(&self, path: &Path) -> Option<PathBuf> {
        let below = path.strip_prefix(&self.project).ok()?;
        Some(self.shape.original.as_ref()?.join(below)).filter(|original| original.is_file())
    }

    /// Puts back everything that a run has changed since `taken`.
    ///
    /// # Errors
    /// If something can be neither removed nor made anew: the tree is of no use any more.
    fn restore(&mut self, taken: SystemTime) -> io::Result<()> {
        let (Some(made), Some(mark)) = (&mut self.made, &self.mark) else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        // Nothing makes this one anew.
        if !mark.is_same_directory(&Mark::of(&self.base.symlink_metadata()?)) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        // A change within the same tick as the making of a file has the same time.
        let young = taken < self.finished + TICK;
        let found = everything_below(&self.base)?;
        let mut same: BTreeMap<&Path, ()> = BTreeMap::new();
        for (path, metadata) in &found {
            // It may have gone with the directory that it lay in.
            let gone = || path.symlink_metadata().is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
            match made.get(path) {
                Some(entry) if entry.is_unchanged(path, metadata, young) => {
                    same.insert(path, ());
                }
                _ if gone() => {}
                _ if metadata.is_dir() => remove_tree(path)?,
                _ => fs::remove_file(path)?,
            }
        }
        let mut written = false;
        for (path, entry) in made.iter_mut() {
            // What lay in a directory that had to go is gone as well.
            if same.contains_key(path.as_path()) && (!written || path.symlink_metadata().is_ok()) {
                continue;
            }
            match &entry.source {
                Source::Directory => fs::create_dir(path)?,
                Source::Bytes(bytes) => fs::write(path, bytes)?,
                Source::Copy(original) => outside::copy(original, path, LARGEST).map(drop)?,
            }
            entry.mark = Mark::of(&path.symlink_metadata()?);
            written = true;
        }
        if written {
            self.finished = SystemTime::now();
        }
        Ok(())
    }
}

impl Entry {
    /// Whether it is as it was made. Times do not tell where it is `young`: files are read then.
    fn is_unchanged(&self, path: &Path, now: &fs::Metadata, young: bool) -> bool {
        // What comes into a directory and goes changes its times; what is in it is looked at by itself.
        let (mark, directory) = (Mark::of(now), matches!(self.source, Source::Directory));
        let alike = if directory { self.mark.is_same_directory(&mark) } else { self.mark == mark };
        alike
            && (!young
                || match &self.source {
                    Source::Directory => true,
                    Source::Bytes(bytes) => outside::read(path, bytes.len()).is_ok_and(|now| now == *bytes),
                    Source::Copy(original) => has_same_content(original, path),
                })
    }
}

fn has_same_content(one: &Path, other: &Path) -> bool {
    let read = |path: &Path| outside::read(path, usize::try_from(LARGEST).unwrap_or(usize::MAX));
    matches!((read(one), read(other)), (Ok(one), Ok(other)) if one == other)
}

/// Everything below a directory, directories before what is in them; links are not followed. What cannot be listed is an
/// error.
fn everything_below(base: &Path) -> io::Result<Vec<(PathBuf, fs::Metadata)>> {
    let mut all = Vec::new();
    let mut waiting = vec![base.to_owned()];
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(&directory)? {
            let entry = entry?;
            let metadata = entry.metadata()?;
            if metadata.is_dir() {
                waiting.push(entry.path());
            }
            all.push((entry.path(), metadata));
        }
    }
    Ok(all)
}

/// The trees of a worker that no run uses now.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shelf(Arc<Mutex<Vec<Tree>>>);

impl Shelf {
    /// A tree of this shape, in which nothing has run or everything was put back.
    pub(super) fn take(&self, shape: Shape) -> io::Result<Tree> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kept.iter().rposition(|tree| tree.shape == shape).map(|index| kept.remove(index));
        drop(kept);
        known.map_or_else(|| Tree::new(shape), Ok)
    }

    /// Keeps a tree that was taken then for another run, if it can be put in order.
    pub(super) fn put_back(&self, mut tree: Tree, taken: SystemTime) {
        if tree.restore(taken).is_ok() {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let oldest = (kept.len() == KEPT).then(|| kept.remove(0));
            kept.push(tree);
            drop((kept, oldest));
        }
    }
}

/// Windows spells canonical paths with a prefix that many programs do not understand.
fn plain(path: PathBuf) -> PathBuf {
    match path.to_str().and_then(|text| text.strip_prefix(r"\\?\")) {
        Some(rest) => PathBuf::from(rest),
        None => path,
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use rstest::rstest;

    use super::*;

    fn shape() -> Shape {
        let text = "{}\n".to_owned();
        let transcript = Some(Transcript { path: "home/.agent/session.jsonl".into(), text });
        Shape { odd: false, elsewhere: true, original: None, named: Vec::new(), transcript }
    }

    /// Every file and directory with its mode and content.
    fn content(tree: &Tree) -> Vec<(PathBuf, u32, Option<Vec<u8>>)> {
        let mut all: Vec<_> = everything_below(&tree.base)
            .unwrap()
            .into_iter()
            .map(|(path, metadata)| {
                let bytes = if metadata.is_dir() { None } else { fs::read(&path).ok() };
                (path, metadata.permissions().mode(), bytes)
            })
            .collect();
        all.sort();
        all
    }

    fn nothing(_: &Tree) {}

    fn new_files(tree: &Tree) {
        fs::write(tree.temp.join("log"), "1").unwrap();
        fs::create_dir_all(tree.project.join("target/debug")).unwrap();
        fs::write(tree.project.join("target/debug/out"), "1").unwrap();
        symlink("/etc", tree.state.join("link")).unwrap();
        fs::write(tree.base.join("startup.sh"), "").unwrap();
    }

    /// As long as before, and perhaps within the same tick.
    fn other_content(tree: &Tree) {
        let file = tree.project.join("README.md");
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, text.replace("hello", "HELLO")).unwrap();
        filetime::set_file_mtime(&file, filetime::FileTime::zero()).unwrap();
    }

    fn other_mode(tree: &Tree) {
        fs::set_permissions(tree.project.join(".env"), fs::Permissions::from_mode(0o400)).unwrap();
        fs::set_permissions(&tree.temp, fs::Permissions::from_mode(0o500)).unwrap();
    }

    fn all_gone(tree: &Tree) {
        fs::remove_dir_all(&tree.home).unwrap();
        fs::remove_dir(&tree.session).unwrap();
    }

    fn other_kinds(tree: &Tree) {
        fs::remove_dir(&tree.state).unwrap();
        fs::write(&tree.state, "a file").unwrap();
        fs::remove_file(tree.project.join(".env")).unwrap();
        fs::create_dir(tree.project.join(".env")).unwrap();
        fs::rename(&tree.elsewhere, tree.base.join("moved")).unwrap();
        symlink(&tree.home, &tree.elsewhere).unwrap();
    }

    fn replaced(tree: &Tree) {
        fs::rename(&tree.project, tree.base.join("old")).unwrap();
        fs::create_dir(&tree.project).unwrap();
    }

    #[rstest]
    fn what_a_run_has_changed_is_put_back(
        #[values(nothing, new_files, other_content, other_mode, all_gone, other_kinds, replaced)] change: fn(&Tree),
        #[values(false, true)] copied: bool,
        #[values(false, true)] later: bool,
    ) {
        let original = tempfile::tempdir().unwrap();
        for (name, text) in [("README.md", "hello\n"), (".env", "A=1\n")] {
            fs::write(original.path().join(name), text).unwrap();
        }
        let shape = Shape { original: copied.then(|| original.path().to_owned()), ..shape() };
        let shelf = Shelf::default();
        let tree = shelf.take(shape.clone()).unwrap();
        if later {
            std::thread::sleep(TICK);
        }
        let (base, before, taken) = (tree.base.clone(), content(&tree), SystemTime::now());
        change(&tree);
        shelf.put_back(tree, taken);
        let again = shelf.take(shape).unwrap();
        assert_eq!((&again.base, content(&again)), (&base, before));
    }

    fn gone(base: &Path) {
        fs::remove_dir_all(base).unwrap();
    }

    fn closed(base: &Path) {
        fs::set_permissions(base, fs::Permissions::from_mode(0o300)).unwrap();
    }

    #[rstest]
    fn what_cannot_be_put_back_is_not_used_again(#[values(gone, closed)] change: fn(&Path)) {
        let shelf = Shelf::default();
        let tree = shelf.take(shape()).unwrap();
        let (base, taken) = (tree.base.clone(), SystemTime::now());
        change(&base);
        shelf.put_back(tree, taken);
        assert_ne!(shelf.take(shape()).unwrap().base, base);
    }

    #[test]
    fn two_runs_at_once_share_nothing() {
        let shelf = Shelf::default();
        let (one, other) = (shelf.take(shape()).unwrap(), shelf.take(shape()).unwrap());
        assert_ne!(one.base, other.base);
    }
}
