//! The project of a run: a git repository with a history, as projects are, made without git.
//!
//! Two commits on `main`, a changed file, and a `.env` that is not tracked. Everything is the same in every run; it is put
//! together once a process, and it is as few files as git can do with, because each run has its own: the objects lie in one
//! pack.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::OnceLock;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use sha1_smol::Sha1;

/// The name of an object.
type Id = [u8; 20];

/// Files of the first commit, of the second one, and of the folder as it is now; sorted as git sorts them.
const FIRST: &[(&str, &str)] = &[("README.md", "# Project\n")];
const SECOND: &[(&str, &str)] = &[("README.md", "# Project\n\nA small program.\n")];
const NOW: &[(&str, &str)] =
    &[(".env", "APP_ENV=development\nPORT=3000\n"), ("README.md", "# Project\n\nA small program.\n\nIt says hello.\n")];
/// The subjects of the commits. The second one breaks hooks that put it into JSON or into a command by hand.
const SUBJECTS: [&str; 2] =
    ["Begin the project", "Say \"hello\" in C:\\temp\\new, caf\u{e9} \u{65e5}\u{672c}\u{8a9e} & $(more) 100%"];
const AUTHOR: &str = "Dev <dev@example.com>";
/// The times of the commits, in seconds since 1970: January 2026.
const TIMES: [u64; 2] = [1_767_600_000, 1_767_686_400];

/// Makes `project` a repository with a history and with files in it.
pub(super) fn write(project: &Path) -> io::Result<()> {
    static FILES: OnceLock<Vec<(String, Vec<u8>)>> = OnceLock::new();
    let git = project.join(".git");
    for folder in ["", "objects", "objects/pack", "refs"] {
        fs::create_dir(git.join(folder))?;
    }
    for (path, bytes) in FILES.get_or_init(files) {
        fs::write(project.join(path), bytes)?;
    }
    Ok(())
}

/// Makes a folder a repository without a commit: hooks ask git where the root is.
pub(super) fn write_empty(folder: &Path) -> io::Result<()> {
    let git = folder.join(".git");
    if git.exists() {
        return Ok(());
    }
    fs::create_dir_all(git.join("objects"))?;
    fs::create_dir_all(git.join("refs"))?;
    fs::write(git.join("HEAD"), "ref: refs/heads/main\n")
}

/// Every file with its path below the project.
fn files() -> Vec<(String, Vec<u8>)> {
    let mut objects = Objects::default();
    let first = objects.commit(FIRST, None, 0);
    let second = objects.commit(SECOND, Some(first), 1);
    let (pack, index, name) = objects.pack();
    let refs = format!(
        "# pack-refs with: peeled fully-peeled sorted \n{0} refs/heads/main\n{0} refs/remotes/origin/main\n",
        hex(&second)
    );
    let mut files = vec![
        (".git/HEAD".to_owned(), b"ref: refs/heads/main\n".to_vec()),
        (".git/packed-refs".to_owned(), refs.into_bytes()),
        (".git/index".to_owned(), staged(SECOND)),
        (format!(".git/objects/pack/pack-{name}.pack"), pack),
        (format!(".git/objects/pack/pack-{name}.idx"), index),
    ];
    files.extend(NOW.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())));
    files
}

/// The kinds of objects, by the number that a pack has for them.
#[derive(Clone, Copy)]
enum Kind {
    Commit = 1,
    Tree = 2,
    Blob = 3,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Commit => "commit",
            Kind::Tree => "tree",
            Kind::Blob => "blob",
        }
    }
}

/// Objects by name.
#[derive(Default)]
struct Objects(BTreeMap<Id, (u8, Vec<u8>)>);

impl Objects {
    fn add(&mut self, kind: Kind, content: Vec<u8>) -> Id {
        let id = id_of(kind, &content);
        self.0.insert(id, (kind as u8, content));
        id
    }

    fn commit(&mut self, files: &[(&str, &str)], parent: Option<Id>, number: usize) -> Id {
        let tree = self.tree(files);
        let parent = parent.map(|parent| format!("parent {}\n", hex(&parent))).unwrap_or_default();
        let who = format!("{AUTHOR} {} +0000", TIMES[number]);
        let text = format!("tree {}\n{parent}author {who}\ncommitter {who}\n\n{}\n", hex(&tree), SUBJECTS[number]);
        self.add(Kind::Commit, text.into_bytes())
    }

    /// The tree of files that lie in the project itself.
    fn tree(&mut self, files: &[(&str, &str)]) -> Id {
        let mut content = Vec::new();
        for (name, text) in files {
            content.extend_from_slice(format!("100644 {name}\0").as_bytes());
            content.extend_from_slice(&self.add(Kind::Blob, text.as_bytes().to_vec()));
        }
        self.add(Kind::Tree, content)
    }

    /// A pack of all objects (`gitformat-pack(5)`, version 2), its index, and its name.
    fn pack(&self) -> (Vec<u8>, Vec<u8>, String) {
        let mut pack = [b"PACK".as_slice(), &2_u32.to_be_bytes(), &number(self.0.len())].concat();
        let (mut checks, mut offsets) = (Vec::new(), Vec::new());
        for (kind, content) in self.0.values() {
            let start = pack.len();
            offsets.extend_from_slice(&number(start));
            pack.extend_from_slice(&header(*kind, content.len()));
            pack.extend_from_slice(&compressed(content));
            let mut check = flate2::Crc::new();
            check.update(&pack[start..]);
            checks.extend_from_slice(&check.sum().to_be_bytes());
        }
        let sum = Sha1::from(&pack).digest().bytes();
        pack.extend_from_slice(&sum);
        let mut index = [b"\xfftOc".as_slice(), &2_u32.to_be_bytes()].concat();
        for first in 0..=u8::MAX {
            index.extend_from_slice(&number(self.0.keys().filter(|id| id[0] <= first).count()));
        }
        index.extend(self.0.keys().flatten());
        index.extend(checks);
        index.extend(offsets);
        index.extend_from_slice(&sum);
        let own = Sha1::from(&index).digest().bytes();
        index.extend_from_slice(&own);
        (pack, index, hex(&sum))
    }
}

/// What git has staged (`gitformat-index(5)`, version 2). The times and sizes are 0, so that git compares contents.
fn staged(files: &[(&str, &str)]) -> Vec<u8> {
    let mut index = [b"DIRC".as_slice(), &2_u32.to_be_bytes(), &number(files.len())].concat();
    for (path, text) in files {
        let start = index.len();
        let mut fields = [0_u32; 10];
        fields[6] = 0o100_644;
        index.extend(fields.iter().flat_map(|field| field.to_be_bytes()));
        index.extend_from_slice(&id_of(Kind::Blob, text.as_bytes()));
        index.extend_from_slice(&number(path.len())[2..]);
        index.extend_from_slice(path.as_bytes());
        // An entry ends with one to eight zeros, at a multiple of eight.
        let padding = 8 - (index.len() - start) % 8;
        index.extend(std::iter::repeat_n(0, padding));
    }
    let sum = Sha1::from(&index).digest().bytes();
    index.extend_from_slice(&sum);
    index
}

fn id_of(kind: Kind, content: &[u8]) -> Id {
    let mut sum = Sha1::from(format!("{} {}\0", kind.name(), content.len()));
    sum.update(content);
    sum.digest().bytes()
}

/// Kind and length in front of an object of a pack: four bits of the length, then seven a byte.
fn header(kind: u8, length: usize) -> Vec<u8> {
    let low = |value: usize, bits: u32| u8::try_from(value & ((1 << bits) - 1)).unwrap_or_default();
    let mut bytes = vec![kind << 4 | low(length, 4)];
    let mut rest = length >> 4;
    while rest > 0 {
        if let Some(last) = bytes.last_mut() {
            *last |= 0x80;
        }
        bytes.push(low(rest, 7));
        rest >>= 7;
    }
    bytes
}

fn compressed(content: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    // Writing into memory cannot fail.
    encoder.write_all(content).and_then(|()| encoder.finish()).unwrap_or_default()
}

/// Four bytes; everything here is a few kilobytes long.
fn number(value: usize) -> [u8; 4] {
    u32::try_from(value).unwrap_or(u32::MAX).to_be_bytes()
}

fn hex(id: &Id) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// What git says in the repository; `None` where there is no git.
    fn git(project: &Path, arguments: &[&str]) -> Option<String> {
        let mut command = Command::new("git");
        command.args(["-c", "core.autocrlf=false", "-c", "core.quotepath=off", "-C"]).arg(project).args(arguments);
        command.env("GIT_CONFIG_GLOBAL", project.join("none")).env("GIT_CONFIG_NOSYSTEM", "1");
        command.env_remove("GIT_DIR").env_remove("GIT_WORK_TREE");
        let output = command.output().ok()?;
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8(text).expect("git says text");
        assert!(output.status.success(), "git {arguments:?}: {text}");
        Some(text)
    }

    #[test]
    #[expect(clippy::print_stderr, reason = "a test that is skipped says why")]
    fn git_finds_a_history_and_a_change() {
        let project = tempfile::tempdir().unwrap();
        write(project.path()).unwrap();
        let Some(checked) = git(project.path(), &["fsck", "--strict", "--full"]) else {
            eprintln!("skipped: there is no git to ask");
            return;
        };
        assert_eq!(checked.lines().filter(|line| !line.starts_with("Checking")).count(), 0, "{checked}");
        let ask = |arguments: &[&str]| git(project.path(), arguments).expect("git is there");
        assert_eq!(ask(&["status", "--porcelain"]), " M README.md\n?? .env\n");
        assert_eq!(ask(&["log", "--reverse", "--format=%s|%an|%ae"]), {
            let lines = SUBJECTS.map(|subject| format!("{subject}|Dev|dev@example.com\n"));
            lines.concat()
        });
        assert_eq!(ask(&["rev-parse", "--abbrev-ref", "HEAD"]), "main\n");
        assert_eq!(ask(&["branch", "--all", "--format=%(refname)"]), "refs/heads/main\nrefs/remotes/origin/main\n");
        assert!(ask(&["diff"]).contains("+It says hello."), "{}", ask(&["diff"]));
        assert_eq!(ask(&["diff", "--cached"]), "");
        assert_eq!(ask(&["show", "HEAD~1:README.md"]), "# Project\n");
        ask(&["verify-pack", &format!(".git/objects/pack/{}", pack_of(project.path()))]);
        // Hooks may commit.
        ask(&["add", "-A"]);
        ask(&["-c", "user.name=Dev", "-c", "user.email=dev@example.com", "commit", "--quiet", "-m", "another"]);
        assert_eq!(ask(&["status", "--porcelain"]), "");
    }

    fn pack_of(project: &Path) -> String {
        let mut files = fs::read_dir(project.join(".git/objects/pack")).unwrap().flatten();
        let file = files.find(|file| file.path().extension().is_some_and(|end| end == "idx")).expect("an index");
        file.file_name().into_string().unwrap()
    }

    #[test]
    fn lengths_in_front_of_objects() {
        assert_eq!(header(3, 5), [0x35]);
        assert_eq!(header(3, 0x15), [0xb5, 0x01]);
        assert_eq!(header(1, 0x1234), [0x94, 0xa3, 0x02]);
    }

    #[test]
    fn two_runs_have_the_same_project() {
        assert_eq!(files(), files());
        assert!(files().len() < 8, "a run must not cost more than a few files");
    }
}
