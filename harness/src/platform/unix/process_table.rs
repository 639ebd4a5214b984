#![allow(unsafe_code)]
//! Who is whose child: a snapshot of the process table, without starting `ps`.

use std::collections::BTreeMap;

#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) use self::proc_fs::{is_known, name_of, snapshot};

#[cfg(target_vendor = "apple")]
pub(crate) use self::libproc::{is_known, name_of, snapshot};

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
pub(crate) use self::unknown::{is_known, name_of, snapshot};

/// Names of processes are cut after so many bytes: they are shown to people.
const LONGEST_NAME: usize = 512;

/// One process of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) pid: i32,
    pub(crate) parent: i32,
    pub(crate) group: i32,
    pub(crate) session: i32,
    pub(crate) zombie: bool,
    /// When it started, in a unit of the system. Together with the id it names a process for ever.
    pub(crate) started: u64,
}

/// The tree of one process, as far as snapshots could see it. Who was once seen as a member stays one, even if its
/// parent has ended and it has left session and group.
#[derive(Debug)]
pub(crate) struct Family {
    root: i32,
    known: BTreeMap<i32, u64>,
}

impl Family {
    pub(crate) fn new(root: i32) -> Self {
        Family { root, known: BTreeMap::new() }
    }

    /// Takes in a new snapshot and returns the members that are alive now, without the root.
    pub(crate) fn members(&mut self, table: &[Entry]) -> Vec<i32> {
        // A member that is gone must not vouch for a stranger who got its id.
        self.known.retain(|pid, started| table.iter().any(|e| e.pid == *pid && e.started == *started));
        loop {
            let before = self.known.len();
            for entry in table.iter().filter(|e| e.pid != self.root) {
                let ours = entry.session == self.root
                    || entry.group == self.root
                    || entry.parent == self.root
                    || self.known.contains_key(&entry.parent);
                if ours {
                    self.known.insert(entry.pid, entry.started);
                }
            }
            if self.known.len() == before {
                break;
            }
        }
        let alive = |e: &&Entry| !e.zombie && self.known.get(&e.pid) == Some(&e.started);
        table.iter().filter(alive).map(|e| e.pid).collect()
    }
}

fn shortened(mut name: String) -> String {
    if name.len() > LONGEST_NAME {
        let end = (0..=LONGEST_NAME).rev().find(|i| name.is_char_boundary(*i)).unwrap_or(0);
        name.truncate(end);
    }
    name
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod proc_fs {
    use std::fs;

    use super::{Entry, shortened};

    /// Whether this system tells us of other processes: `/proc` may not be mounted, or be another's.
    pub(crate) fn is_known() -> bool {
        let own = fs::read("/proc/self/stat").ok();
        let own = own.and_then(|stat| parse(&String::from_utf8_lossy(&stat)));
        own.is_some_and(|entry| u32::try_from(entry.pid) == Ok(std::process::id()))
    }

    /// All processes that can be seen now.
    pub(crate) fn snapshot() -> Vec<Entry> {
        let Ok(folder) = fs::read_dir("/proc") else {
            return Vec::new();
        };
        folder
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            // The name in it is whatever the process likes, and need not be text.
            .filter_map(|pid: i32| parse(&String::from_utf8_lossy(&fs::read(format!("/proc/{pid}/stat")).ok()?)))
            .collect()
    }

    /// `pid (name) state ppid pgrp session ... starttime`, see proc_pid_stat(5). The name may contain anything.
    pub(super) fn parse(stat: &str) -> Option<Entry> {
        let pid = stat.split(' ').next()?.parse().ok()?;
        let rest: Vec<&str> = stat[stat.rfind(')')? + 1..].split_ascii_whitespace().collect();
        let number = |index: usize| rest.get(index)?.parse::<i32>().ok();
        Some(Entry {
            pid,
            parent: number(1)?,
            group: number(2)?,
            session: number(3)?,
            zombie: matches!(*rest.first()?, "Z" | "X"),
            started: rest.get(19)?.parse().ok()?,
        })
    }

    /// The command line of a process, or its short name where it has none.
    pub(crate) fn name_of(pid: i32) -> String {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let words: Vec<_> =
            line.split(|byte| *byte == 0).filter(|w| !w.is_empty()).map(String::from_utf8_lossy).collect();
        if words.is_empty() {
            let name = fs::read(format!("/proc/{pid}/comm")).unwrap_or_default();
            return shortened(String::from_utf8_lossy(&name).trim_end().to_owned());
        }
        shortened(words.join(" "))
    }
}

#[cfg(target_vendor = "apple")]
mod libproc {
    use std::ffi::c_int;
    use std::mem;

    use super::{Entry, shortened};

    /// Whether this system tells us of other processes at all.
    pub(crate) fn is_known() -> bool {
        true
    }

    /// Room for processes that start between the two calls.
    const SPARE: usize = 64;

    /// All processes that can be seen now.
    pub(crate) fn snapshot() -> Vec<Entry> {
        // SAFETY: without a buffer the call only says how many processes there are.
        let count = unsafe { libc::proc_listallpids(std::ptr::null_mut(), 0) };
        let mut pids = vec![0 as c_int; usize::try_from(count).unwrap_or(0) + SPARE];
        let size = c_int::try_from(mem::size_of_val(pids.as_slice())).unwrap_or(c_int::MAX);
        // SAFETY: the buffer has `size` bytes.
        let count = unsafe { libc::proc_listallpids(pids.as_mut_ptr().cast(), size) };
        pids.truncate(usize::try_from(count).unwrap_or(0));
        pids.into_iter().filter_map(entry).collect()
    }

    fn entry(pid: c_int) -> Option<Entry> {
        let info = info(pid)?;
        // SAFETY: plain call; a process that is gone gives -1.
        let session = unsafe { libc::getsid(pid) };
        Some(Entry {
            pid,
            parent: info.pbi_ppid.cast_signed(),
            group: info.pbi_pgid.cast_signed(),
            session,
            zombie: info.pbi_status == libc::SZOMB,
            started: info.pbi_start_tvsec * 1_000_000 + info.pbi_start_tvusec,
        })
    }

    fn info(pid: c_int) -> Option<libc::proc_bsdinfo> {
        // SAFETY: the structure is plain numbers; the call fills it and says how many bytes it wrote.
        unsafe {
            let mut info: libc::proc_bsdinfo = mem::zeroed();
            let size = mem::size_of::<libc::proc_bsdinfo>() as c_int;
            (libc::proc_pidinfo(pid, libc::PROC_PIDTBSDINFO, 0, (&raw mut info).cast(), size) == size).then_some(info)
        }
    }

    /// The name of a process.
    pub(crate) fn name_of(pid: i32) -> String {
        let Some(info) = info(pid) else {
            return String::new();
        };
        let long: Vec<u8> = info.pbi_name.iter().map(|c| c.cast_unsigned()).take_while(|c| *c != 0).collect();
        let short: Vec<u8> = info.pbi_comm.iter().map(|c| c.cast_unsigned()).take_while(|c| *c != 0).collect();
        shortened(String::from_utf8_lossy(if long.is_empty() { &short } else { &long }).into_owned())
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
mod unknown {
    use super::Entry;

    /// Whether this system tells us of other processes at all.
    pub(crate) fn is_known() -> bool {
        false
    }

    /// Nothing is known here.
    pub(crate) fn snapshot() -> Vec<Entry> {
        Vec::new()
    }

    /// Nothing is known here.
    pub(crate) fn name_of(_pid: i32) -> String {
        String::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(pid: i32, parent: i32, session: i32) -> Entry {
        Entry { pid, parent, group: session, session, zombie: false, started: 1 }
    }

    #[test]
    fn a_member_stays_one_when_it_has_left_everything() {
        let mut family = Family::new(10);
        let before = [entry(10, 1, 10), entry(11, 10, 10), entry(12, 11, 12), entry(13, 12, 13), entry(20, 1, 20)];
        assert_eq!(family.members(&before), [11, 12, 13]);
        let after = [entry(13, 1, 13), entry(20, 1, 20)];
        assert_eq!(family.members(&after), [13]);
    }

    #[test]
    fn a_stranger_with_a_used_id_is_not_taken_for_a_member() {
        let mut family = Family::new(10);
        assert_eq!(family.members(&[entry(10, 1, 10), entry(12, 10, 12)]), [12]);
        let stranger = Entry { started: 2, ..entry(12, 1, 12) };
        assert!(family.members(&[stranger, entry(13, 12, 13)]).is_empty());
    }

    #[test]
    fn zombies_are_not_alive() {
        let mut family = Family::new(10);
        let zombie = Entry { zombie: true, ..entry(11, 10, 10) };
        assert!(family.members(&[zombie]).is_empty());
    }

    #[test]
    fn this_process_is_in_the_table() {
        let own = i32::try_from(std::process::id()).expect("a process id");
        let table = snapshot();
        assert!(!is_known() || table.iter().any(|e| e.pid == own));
        assert!(!is_known() || !name_of(own).is_empty());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_name_with_brackets_and_spaces_does_not_shift_the_fields() {
        let stat = "7 (a) b (c) S 1 2 3 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 99 5 6";
        let expected = Entry { pid: 7, parent: 1, group: 2, session: 3, zombie: false, started: 99 };
        assert_eq!(proc_fs::parse(stat), Some(expected));
    }
}
