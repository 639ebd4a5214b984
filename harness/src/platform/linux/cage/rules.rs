//! What a sandbox allows, in places and not in calls.

use std::path::{Path, PathBuf};

use libc::c_int;

use super::calls::Effect;
use super::objects::SHARED_MEMORY;
use crate::sandbox::{Answer, Network, RefusedAccess, Sandbox};

/// Where everybody may write, because nothing is left behind there.
const ALWAYS: &[&str] = &["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/shm"];

/// How a file is touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Touch {
    /// Opened for writing; `new` if that makes the file.
    Open {
        new: bool,
    },
    Effect(Effect),
    /// Asked whether it may be written.
    Asked,
}

/// A fault, ready to be compared.
#[derive(Debug)]
struct Fault {
    path: PathBuf,
    what: RefusedAccess,
    answer: Answer,
}

/// The rules of one run.
#[derive(Debug)]
pub(super) struct Rules {
    /// `None` if all may be written.
    allowed: Option<Vec<PathBuf>>,
    faults: Vec<Fault>,
    /// Where copies of what may not be written are kept, if they are.
    copies: Option<PathBuf>,
    pub(super) local_only: bool,
    /// Landlock has the same rules about places.
    pub(super) held_by_kernel: bool,
}

impl Rules {
    pub(super) fn new(sandbox: &Sandbox) -> Self {
        let always = ALWAYS.iter().map(PathBuf::from);
        let allowed = sandbox.writable.as_ref().map(|own| always.chain(own.iter().map(|path| real(path))).collect());
        let faults = sandbox.refusals.iter();
        Rules {
            allowed,
            faults: faults.map(|f| Fault { path: real(&f.path), what: f.what, answer: f.answer }).collect(),
            copies: sandbox.copies.as_deref().map(real),
            local_only: sandbox.network == Network::Loopback,
            held_by_kernel: false,
        }
    }

    /// How many of the allowed places are those of everybody, which come first.
    pub(super) const USUAL: usize = ALWAYS.len();

    /// Places that may be written, if not all may.
    pub(super) fn allowed(&self) -> Option<&[PathBuf]> {
        self.allowed.as_deref()
    }

    pub(super) fn has_faults(&self) -> bool {
        !self.faults.is_empty()
    }

    /// Whether a place may be written. A copy may, by whoever was given it: paths lead to none, the kernel sees to that.
    pub(super) fn allows(&self, path: &Path) -> bool {
        let places = |allowed: &Vec<PathBuf>| allowed.iter().chain(&self.copies).any(|place| path.starts_with(place));
        self.allowed.as_ref().is_none_or(places)
    }

    /// Whether this is an entry of `/dev/shm` that no place allows by itself: there a program has what it makes.
    pub(super) fn is_shared_memory(&self, path: &Path) -> bool {
        let own = self.allowed.iter().flat_map(|allowed| allowed.iter().skip(Self::USUAL)).chain(&self.copies);
        self.allowed.is_some()
            && path != Path::new(SHARED_MEMORY)
            && path.starts_with(SHARED_MEMORY)
            && !own.into_iter().any(|place| path.starts_with(place))
    }

    /// Where copies of what may not be written are kept, if they are.
    pub(super) fn copies(&self) -> Option<&Path> {
        self.copies.as_deref()
    }

    /// The first fault that this meets: its place in the list, and the `errno`.
    pub(super) fn fault(&self, path: &Path, touch: Touch) -> Option<(usize, c_int)> {
        let meets = |fault: &Fault| path.starts_with(&fault.path) && is_refused(fault, touch);
        let (place, fault) = self.faults.iter().enumerate().find(|(_, fault)| meets(fault))?;
        let errno = match fault.answer {
            Answer::NoSpace => libc::ENOSPC,
            Answer::ReadOnly => libc::EROFS,
            Answer::Denied => libc::EACCES,
        };
        Some((place, errno))
    }
}

fn is_refused(fault: &Fault, touch: Touch) -> bool {
    // A link to an existing file takes no room where the file is, only where the link is.
    let creates = match touch {
        Touch::Open { new } => new,
        Touch::Effect(effect) => matches!(effect, Effect::Create | Effect::Replace),
        Touch::Asked => false,
    };
    match (fault.what, fault.answer) {
        (RefusedAccess::Create, _) => creates,
        (RefusedAccess::Write, Answer::NoSpace) => {
            // Moving within a folder, most of the time, needs no further block.
            matches!(touch, Touch::Open { .. } | Touch::Effect(Effect::Create))
        }
        (RefusedAccess::Write, Answer::ReadOnly | Answer::Denied) => true,
    }
}

/// A path without symbolic links, as far as it exists.
fn real(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    for ancestor in path.ancestors() {
        if let Ok(found) = ancestor.canonicalize() {
            let rest = path.strip_prefix(ancestor).unwrap_or(Path::new(""));
            return if rest.as_os_str().is_empty() { found } else { found.join(rest) };
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const MAKE: Touch = Touch::Effect(Effect::Create);
    const REMOVE: Touch = Touch::Effect(Effect::Remove);
    const OPEN: Touch = Touch::Open { new: false };
    const NEW: Touch = Touch::Open { new: true };

    #[rstest]
    #[case::new_file_on_a_full_disk(RefusedAccess::Create, Answer::NoSpace, NEW, Some(libc::ENOSPC))]
    #[case::old_file_on_a_full_disk(RefusedAccess::Create, Answer::NoSpace, OPEN, None)]
    #[case::writing_on_a_full_disk(RefusedAccess::Write, Answer::NoSpace, OPEN, Some(libc::ENOSPC))]
    #[case::removing_on_a_full_disk(RefusedAccess::Write, Answer::NoSpace, REMOVE, None)]
    #[case::asking_on_a_full_disk(RefusedAccess::Write, Answer::NoSpace, Touch::Asked, None)]
    #[case::removing_where_nothing_can_be_made(RefusedAccess::Create, Answer::Denied, REMOVE, None)]
    #[case::folder_on_a_read_only_disk(RefusedAccess::Write, Answer::ReadOnly, MAKE, Some(libc::EROFS))]
    #[case::removing_on_a_read_only_disk(RefusedAccess::Write, Answer::ReadOnly, REMOVE, Some(libc::EROFS))]
    #[case::asking_on_a_read_only_disk(RefusedAccess::Write, Answer::ReadOnly, Touch::Asked, Some(libc::EROFS))]
    #[case::denied(RefusedAccess::Write, Answer::Denied, OPEN, Some(libc::EACCES))]
    fn what_a_fault_answers(
        #[case] what: RefusedAccess,
        #[case] answer: Answer,
        #[case] touch: Touch,
        #[case] expected: Option<c_int>,
    ) {
        let rules = Rules::new(&Sandbox::open().refuse("/no/such/place", what, answer));
        assert_eq!(rules.fault(Path::new("/no/such/place/a/b"), touch).map(|(_, errno)| errno), expected);
        assert_eq!(rules.fault(Path::new("/no/such/place-not"), touch), None);
    }

    #[test]
    fn the_first_fault_wins() {
        let sandbox = Sandbox::open().refuse("/a/b", RefusedAccess::Write, Answer::Denied).refuse(
            "/a",
            RefusedAccess::Write,
            Answer::ReadOnly,
        );
        let rules = Rules::new(&sandbox);
        assert_eq!(rules.fault(Path::new("/a/b/c"), MAKE), Some((0, libc::EACCES)));
        assert_eq!(rules.fault(Path::new("/a/c"), MAKE), Some((1, libc::EROFS)));
    }

    #[test]
    fn allowed_places_are_compared_without_links() {
        let folder = tempfile::tempdir().expect("a folder");
        let real = folder.path().canonicalize().expect("is there");
        std::os::unix::fs::symlink(&real, real.join("link")).expect("a link");
        let rules = Rules::new(&Sandbox::open().writable(real.join("link/new/..x")));
        assert!(rules.allows(&real.join("new/..x/deep")) && rules.allows(Path::new("/dev/null")));
        assert!(!rules.allows(&real) && !rules.allows(Path::new("/dev/nullx")));
        assert!(Rules::new(&Sandbox::open()).allows(Path::new("/etc")));
        assert!(!Rules::new(&Sandbox::open().read_only()).allows(&real));
    }
}
