#![allow(unsafe_code)]
//! The process that waits for an answer: its memory, and what its paths mean.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString, c_int, c_long};
use std::fs::{self, Metadata};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};
use std::sync::OnceLock;

/// Longer paths are refused by the kernel, too.
const LONGEST_PATH: usize = 4096;
/// Reads do not cross a border of pages, behind which there may be nothing.
const PAGE: usize = 4096;
/// The kernel follows so many symbolic links on the way.
const MOST_LINKS: usize = 40;

/// Processes that are looked through for an ancestor.
const MOST_ANCESTORS: usize = 64;

/// Nobody can tell what a path means.
#[derive(Debug)]
struct Untranslatable;

/// One thread that waits.
#[derive(Debug, Clone)]
pub(super) struct Target {
    thread: i32,
    /// What our own view of its files begins with: nothing, unless it has another root folder. `None` if it cannot be read.
    root: Option<PathBuf>,
    /// Where copies of what it may not write are kept: what is there and nowhere else is there for the process, too.
    copies: Option<PathBuf>,
}

/// What a path means.
#[derive(Debug)]
pub(super) enum Meaning {
    /// Something that is there.
    There { path: PathBuf, facts: Metadata },
    /// An entry that is not there, in a folder that is.
    Free { path: PathBuf },
    /// No path that the kernel could do anything with, or nothing in the file system.
    Nothing,
    /// Nobody can tell: what the kernel shows of the process cannot be read, or has no name here.
    Unknown,
}

impl Target {
    pub(super) fn new(thread: i32, copies: Option<&Path>) -> Self {
        let link = PathBuf::from(format!("/proc/{thread}/root"));
        let root = match fs::read_link(&link) {
            Ok(root) if root == Path::new("/") => Some(PathBuf::new()),
            Ok(_) => Some(link),
            // No call by which it could have got another one passes the filter.
            Err(_) if !is_proc_there() => Some(PathBuf::new()),
            Err(_) => None,
        };
        Target { thread, root, copies: copies.map(Path::to_path_buf) }
    }

    /// The process that the thread belongs to.
    pub(super) fn process(&self) -> i32 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.thread)).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("Tgid:"));
        line.and_then(|number| number.trim().parse().ok()).unwrap_or(self.thread)
    }

    /// A descriptor of ours for what a descriptor of it stands for. Needs Linux 5.6.
    pub(super) fn duplicate(&self, descriptor: c_int) -> io::Result<OwnedFd> {
        // Since Linux 6.9; before that, only for the first thread of a process.
        const OF_THREAD: c_int = libc::O_EXCL;
        let checked = |number: c_long| match number {
            ..0 => Err(io::Error::last_os_error()),
            // SAFETY: the kernel has just made it.
            number => Ok(unsafe { OwnedFd::from_raw_fd(number as c_int) }),
        };
        // SAFETY: all arguments are numbers.
        let open = |of: i32, flags: c_int| checked(unsafe { libc::syscall(libc::SYS_pidfd_open, of, flags) });
        let holder = match open(self.thread, OF_THREAD) {
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) && self.has_the_same(descriptor) => {
                open(self.process(), 0)?
            }
            holder => holder?,
        };
        // SAFETY: as above.
        checked(unsafe { libc::syscall(libc::SYS_pidfd_getfd, holder.as_raw_fd(), descriptor, 0) })
    }

    /// What a user or group number of the process is called outside of the namespace that it may have made for itself, by
    /// its `uid_map` or `gid_map`. All bits set is nobody, and stays so.
    pub(super) fn outer_id(&self, map: &str, id: u32) -> Option<u32> {
        if id == u32::MAX {
            return Some(id);
        }
        // What is not shown has no namespace of its own either: nobody could have given it numbers.
        let Ok(map) = fs::read_to_string(format!("/proc/{}/{map}", self.thread)) else {
            return (!is_proc_there()).then_some(id);
        };
        map.lines().find_map(|line| {
            let mut numbers = line.split_ascii_whitespace().map(str::parse::<u32>);
            let (inner, outer, count) = (numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?);
            let place = id.checked_sub(inner).filter(|place| *place < count)?;
            outer.checked_add(place)
        })
    }

    /// Whether the descriptor is that of the whole process, too: threads can have their own.
    fn has_the_same(&self, descriptor: c_int) -> bool {
        let file = |of: i32| fs::read_link(format!("/proc/{of}/fd/{descriptor}")).ok();
        self.thread == self.process() || file(self.thread).is_some_and(|own| file(self.process()) == Some(own))
    }

    /// Reads memory of it.
    pub(super) fn read(&self, address: u64, buffer: &mut [u8]) -> io::Result<()> {
        let wanted = buffer.len();
        // SAFETY: both describe memory that is as long as they say; the kernel checks the other side.
        let count = unsafe {
            let local = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: wanted };
            let base = std::ptr::with_exposed_provenance_mut(usize::try_from(address).unwrap_or(0));
            let remote = libc::iovec { iov_base: base, iov_len: wanted };
            libc::process_vm_readv(self.thread, &raw const local, 1, &raw const remote, 1, 0)
        };
        match usize::try_from(count) {
            Ok(count) if count == wanted => Ok(()),
            Ok(_) => Err(io::Error::from_raw_os_error(libc::EFAULT)),
            Err(_) => Err(io::Error::last_os_error()),
        }
    }

    /// Writes memory of it.
    pub(super) fn write(&self, address: u64, bytes: &[u8]) -> io::Result<()> {
        // SAFETY: as above; the kernel only reads the local side.
        let count = unsafe {
            let local = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
            let base = std::ptr::with_exposed_provenance_mut(usize::try_from(address).unwrap_or(0));
            let remote = libc::iovec { iov_base: base, iov_len: bytes.len() };
            libc::process_vm_writev(self.thread, &raw const local, 1, &raw const remote, 1, 0)
        };
        match usize::try_from(count) {
            Ok(count) if count == bytes.len() => Ok(()),
            Ok(_) => Err(io::Error::from_raw_os_error(libc::EFAULT)),
            Err(_) => Err(io::Error::last_os_error()),
        }
    }

    /// Whether it is in a network namespace of its own, which has no way out.
    pub(super) fn has_own_network(&self) -> bool {
        let network = |of: &str| fs::read_link(format!("/proc/{of}/ns/net")).ok();
        match (network(&self.thread.to_string()), network("thread-self")) {
            (Some(its), Some(ours)) => its != ours,
            _ => false,
        }
    }

    /// Reads plain numbers.
    pub(super) fn read_value<T: Copy>(&self, address: u64) -> io::Result<T> {
        let mut value = MaybeUninit::<T>::zeroed();
        // SAFETY: the bytes of the value, all of them initialised; used for structures of plain numbers only, for
        // which any bytes are valid.
        unsafe {
            let bytes = std::slice::from_raw_parts_mut(value.as_mut_ptr().cast::<u8>(), size_of::<T>());
            self.read(address, bytes)?;
            Ok(value.assume_init())
        }
    }

    /// Reads text that ends in NUL.
    pub(super) fn read_text(&self, address: u64) -> io::Result<OsString> {
        let mut text = Vec::new();
        let mut address = address;
        while text.len() < LONGEST_PATH {
            let mut piece = [0_u8; 256];
            let to_border = PAGE - (address % PAGE as u64) as usize;
            let piece = &mut piece[..to_border.min(256)];
            self.read(address, piece)?;
            match piece.iter().position(|byte| *byte == 0) {
                Some(end) => {
                    text.extend_from_slice(&piece[..end]);
                    return Ok(OsString::from_vec(text));
                }
                None => text.extend_from_slice(piece),
            }
            address += piece.len() as u64;
        }
        Err(io::Error::from_raw_os_error(libc::ENAMETOOLONG))
    }

    /// Whether a process or a thread is of the same run. Numbers of another namespace are nobody's.
    pub(super) fn may_act_on(&self, number: i32) -> bool {
        if number == 0 {
            return true;
        }
        // One number for each namespace that it is in, below our own.
        if numbers(self.thread, "NSpid:").is_some_and(|numbers| numbers.len() > 1) {
            return false;
        }
        starter_of(self.thread).is_some_and(|starter| starter_of(number) == Some(starter))
    }

    /// What a descriptor of it stands for.
    pub(super) fn opened(&self, descriptor: c_int) -> Meaning {
        match self.folder(descriptor) {
            Ok(Some(path)) => match self.facts(&path) {
                Some(facts) => Meaning::There { path, facts },
                None => Meaning::Nothing,
            },
            Ok(None) => Meaning::Nothing,
            Err(Untranslatable) => Meaning::Unknown,
        }
    }

    /// The path of a descriptor; `None` if there is no such descriptor, or it is of no file with a name.
    fn folder(&self, descriptor: c_int) -> Result<Option<PathBuf>, Untranslatable> {
        let link = match descriptor {
            libc::AT_FDCWD => format!("/proc/{}/cwd", self.thread),
            _ => format!("/proc/{}/fd/{descriptor}", self.thread),
        };
        let path = match fs::read_link(link) {
            Ok(path) => path,
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.is_shown() => return Ok(None),
            Err(_) => return Err(Untranslatable),
        };
        if !path.is_absolute() {
            // Such as `pipe:[7]`; but a file that lies beyond the root directory has a path that cannot be used.
            let beyond = path.as_os_str().as_bytes().starts_with(b"(unreachable)");
            return if beyond { Err(Untranslatable) } else { Ok(None) };
        }
        // Where it has another root folder, this is our name of it.
        match &self.root {
            None => Err(Untranslatable),
            Some(root) if root.as_os_str().is_empty() => Ok(Some(path)),
            Some(root) => {
                let root = fs::read_link(root).map_err(|_| Untranslatable)?;
                let below = path.strip_prefix(root).map_err(|_| Untranslatable)?;
                Ok(Some(Path::new("/").join(below)))
            }
        }
    }

    /// Whether the system shows anything of the process.
    fn is_shown(&self) -> bool {
        fs::symlink_metadata(format!("/proc/{}", self.thread)).is_ok()
    }

    fn facts(&self, path: &Path) -> Option<Metadata> {
        let copied = || fs::symlink_metadata(super::copies::place(self.copies.as_deref()?, path)).ok();
        fs::symlink_metadata(self.our_name(path)).ok().or_else(copied)
    }

    /// Whether what the process calls so exists as a copy, and nowhere else.
    pub(super) fn is_only_a_copy(&self, path: &Path) -> bool {
        self.copies.is_some() && fs::symlink_metadata(self.our_name(path)).is_err() && self.facts(path).is_some()
    }

    /// How the harness reaches what the process calls so.
    pub(super) fn our_name(&self, path: &Path) -> PathBuf {
        match &self.root {
            Some(root) if !root.as_os_str().is_empty() => root.join(path.strip_prefix("/").unwrap_or(path)),
            _ => path.to_path_buf(),
        }
    }

    /// Takes a path as the kernel does: from a folder, through symbolic links, and where `..` really leads.
    pub(super) fn resolve(&self, folder: c_int, path: &OsStr, follow_last: bool) -> Meaning {
        let path = Path::new(path);
        if self.root.is_none() {
            return Meaning::Unknown;
        }
        let mut at = if path.is_absolute() {
            PathBuf::from("/")
        } else {
            match self.folder(folder) {
                Ok(Some(folder)) => folder,
                Ok(None) => return Meaning::Nothing,
                Err(Untranslatable) => return Meaning::Unknown,
            }
        };
        let mut ahead: VecDeque<OsString> = parts(path).collect();
        let mut links = 0;
        let mut facts = None;
        while let Some(part) = ahead.pop_front() {
            if part == ".." {
                at.pop();
                facts = None;
                continue;
            }
            let next = at.join(self.own_name(&at, part));
            let Some(found) = self.facts(&next) else {
                return match ahead.is_empty() && self.is_folder(&at) {
                    true => Meaning::Free { path: next },
                    false => Meaning::Nothing,
                };
            };
            if !found.is_symlink() || (ahead.is_empty() && !follow_last) {
                at = next;
                facts = Some(found);
                continue;
            }
            links += 1;
            let Ok(leads_to) = fs::read_link(self.our_name(&next)) else {
                return Meaning::Nothing;
            };
            if is_magic(&next) && leads_to.as_os_str().as_bytes().starts_with(b"(unreachable)") {
                return Meaning::Unknown;
            }
            if links > MOST_LINKS || (is_magic(&next) && !leads_to.is_absolute()) {
                // A pipe, for example, which has a name only in /proc.
                return Meaning::Nothing;
            }
            if leads_to.is_absolute() {
                at = PathBuf::from("/");
            }
            facts = None;
            for part in parts(&leads_to).collect::<Vec<_>>().into_iter().rev() {
                ahead.push_front(part);
            }
        }
        match facts.or_else(|| self.facts(&at)) {
            Some(facts) => Meaning::There { path: at, facts },
            None => Meaning::Nothing,
        }
    }

    /// `/proc/self` is everyone's own.
    fn own_name(&self, folder: &Path, part: OsString) -> OsString {
        match part.as_bytes() {
            b"self" if folder == Path::new("/proc") => self.process().to_string().into(),
            b"thread-self" if folder == Path::new("/proc") => format!("{}/task/{}", self.process(), self.thread).into(),
            _ => part,
        }
    }

    fn is_folder(&self, path: &Path) -> bool {
        let copied = || self.facts(path).is_some_and(|facts| facts.is_dir());
        fs::metadata(self.our_name(path)).map_or_else(|_| copied(), |facts| facts.is_dir())
    }
}

/// Whether the system shows processes at all.
pub(super) fn is_proc_there() -> bool {
    static THERE: OnceLock<bool> = OnceLock::new();
    *THERE.get_or_init(|| Path::new("/proc/self").exists())
}

/// Numbers in a line of what the system shows of a thread.
fn numbers(thread: i32, name: &str) -> Option<Vec<i32>> {
    let status = fs::read_to_string(format!("/proc/{thread}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.split_whitespace().filter_map(|number| number.parse().ok()).collect())
}

/// The nearest process above that is not in a sandbox: for all of a run, and for nobody else, the one that started it, or
/// took over what was left. It has fewer filters than they have (`Seccomp_filters`, Linux 5.9).
fn starter_of(thread: i32) -> Option<i32> {
    static OUTSIDE: OnceLock<Option<i32>> = OnceLock::new();
    let filters = |thread: i32| numbers(thread, "Seccomp_filters:")?.first().copied();
    let outside = (*OUTSIDE.get_or_init(|| filters(std::process::id().cast_signed())))?;
    let mut at = thread;
    for _ in 0..MOST_ANCESTORS {
        if filters(at)? <= outside {
            return (at != thread).then_some(at);
        }
        at = *numbers(at, "PPid:")?.first()?;
    }
    None
}

/// The parts of a path, without its root and `.`.
fn parts(path: &Path) -> impl Iterator<Item = OsString> + '_ {
    path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_os_string()),
        Component::ParentDir => Some("..".into()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    })
}

/// Whether what a link in `/proc` shows is only a description of where it leads.
fn is_magic(link: &Path) -> bool {
    let mut parts = link.components().skip(1);
    let process = parts.nth(1).and_then(|part| part.as_os_str().to_str());
    link.starts_with("/proc") && process.is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::{fixture, rstest};
    use std::os::unix::fs::symlink;
    use tempfile::TempDir;

    fn own() -> Target {
        Target::new(std::process::id().cast_signed(), None)
    }

    /// `real/file`, `there -> real`, `file -> real/file`, `up -> ..`, `round -> round`, `nowhere -> real/new`.
    #[fixture]
    fn tree() -> TempDir {
        let tree = tempfile::tempdir().expect("a folder");
        let root = tree.path();
        fs::create_dir(root.join("real")).expect("a folder");
        fs::write(root.join("real/file"), "x").expect("a file");
        let links =
            [("there", "real"), ("file", "real/file"), ("up", ".."), ("round", "round"), ("nowhere", "real/new")];
        for (name, leads_to) in links {
            symlink(leads_to, root.join(name)).expect("a link");
        }
        tree
    }

    #[rstest]
    #[case::plain("real/file", true, "+real/file")]
    #[case::through_a_link("there/file", true, "+real/file")]
    #[case::link_at_the_end("file", true, "+real/file")]
    #[case::link_itself("file", false, "+file")]
    #[case::dots("real/./../there/../real/file", true, "+real/file")]
    #[case::new("real/new", true, "-real/new")]
    #[case::new_through_a_link("nowhere", true, "-real/new")]
    #[case::new_folder_missing("no/new", true, "")]
    #[case::round("round", true, "")]
    #[case::a_file_is_no_folder("real/file/x", true, "")]
    #[case::the_folder_itself("real/..", true, "+")]
    fn paths_mean_what_the_kernel_makes_of_them(
        tree: TempDir,
        #[case] path: &str,
        #[case] follow: bool,
        #[case] expected: &str,
    ) {
        let root = tree.path().canonicalize().expect("is there");
        let relative = |path: PathBuf| path.strip_prefix(&root).expect("is inside").display().to_string();
        let found = match own().resolve(libc::AT_FDCWD, root.join(path).as_os_str(), follow) {
            Meaning::There { path, .. } => format!("+{}", relative(path)),
            Meaning::Free { path } => format!("-{}", relative(path)),
            Meaning::Nothing => String::new(),
            Meaning::Unknown => "?".to_owned(),
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn proc_self_is_the_one_who_asks_and_a_pipe_has_no_path() {
        let (reader, _writer) = io::pipe().expect("a pipe");
        let descriptor = std::os::fd::AsRawFd::as_raw_fd(&reader);
        let path = OsString::from(format!("/proc/self/fd/{descriptor}"));
        assert!(matches!(own().resolve(libc::AT_FDCWD, &path, true), Meaning::Nothing));
        assert!(matches!(own().opened(descriptor), Meaning::Nothing));
        let Meaning::There { path, .. } = own().resolve(libc::AT_FDCWD, OsStr::new("/proc/self/stat"), true) else {
            panic!("it is there");
        };
        assert_eq!(path, Path::new(&format!("/proc/{}/stat", std::process::id())));
    }

    #[test]
    fn what_is_shown_of_nobody_cannot_be_translated() {
        // No process has this number.
        let nobody = Target::new(i32::MAX, None);
        assert!(matches!(nobody.opened(0), Meaning::Unknown));
        assert!(matches!(nobody.resolve(libc::AT_FDCWD, OsStr::new("file"), true), Meaning::Unknown));
        assert!(matches!(nobody.resolve(libc::AT_FDCWD, OsStr::new("/etc"), true), Meaning::Unknown));
        assert!(matches!(own().opened(12_345), Meaning::Nothing));
    }

    #[test]
    fn nobody_outside_of_a_sandbox_is_of_a_run() {
        assert!(own().may_act_on(0));
        assert!(!own().may_act_on(own().process()) && !own().may_act_on(1) && !own().may_act_on(i32::MAX));
    }

    #[test]
    fn text_is_read_over_the_border_of_a_page() {
        let mut bytes = vec![b'x'; 3 * PAGE];
        let border = bytes.as_ptr().addr().next_multiple_of(PAGE) - bytes.as_ptr().addr();
        let from = border + PAGE - 5;
        bytes[from + 700] = 0;
        let text = own().read_text(bytes[from..].as_ptr().addr() as u64).expect("own memory");
        assert_eq!(text.len(), 700);
        let error = own().read_text(8).expect_err("nothing is there");
        assert_eq!(error.raw_os_error(), Some(libc::EFAULT));
    }
}
