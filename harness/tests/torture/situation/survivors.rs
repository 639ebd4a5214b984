//! Who has survived: by the ids that processes wrote down, by what they carry, and by whose children they are.

use std::fmt;
use std::str::FromStr;

#[cfg(not(target_os = "linux"))]
pub(crate) use self::ids_only::{alive, carriers, children, children_of_this_process, own_birth};
#[cfg(target_os = "linux")]
pub(crate) use self::proc_fs::{alive, carriers, children, children_of_this_process, own_birth};

/// A process and when it began, in a unit of the system: together they name it for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Birth {
    pub(crate) pid: i32,
    pub(crate) began: u64,
}

impl fmt::Display for Birth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {}", self.pid, self.began)
    }
}

impl FromStr for Birth {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (pid, began) = text.split_once(' ').ok_or(())?;
        Ok(Birth { pid: pid.parse().map_err(drop)?, began: began.parse().map_err(drop)? })
    }
}

#[cfg(target_os = "linux")]
mod proc_fs {
    use std::fs;

    use super::Birth;

    /// Id, state, and when it began, see proc_pid_stat(5). The name in brackets may contain anything.
    fn stat(of: &str) -> Option<(Birth, char)> {
        // Not as text: a name need not be UTF-8.
        let stat = String::from_utf8_lossy(&fs::read(format!("/proc/{of}/stat")).ok()?).into_owned();
        let pid = stat.split(' ').next()?.parse().ok()?;
        let rest: Vec<&str> = stat[stat.rfind(')')? + 1..].split_ascii_whitespace().collect();
        Some((Birth { pid, began: rest.get(19)?.parse().ok()? }, rest.first()?.chars().next()?))
    }

    /// The calling process, by the id that it has outside of its own namespace.
    pub(crate) fn own_birth() -> Birth {
        stat("self").expect("Linux has it").0
    }

    /// Whether this very process is there and no zombie.
    pub(crate) fn alive(birth: &Birth) -> bool {
        stat(&birth.pid.to_string()).is_some_and(|(now, state)| now == *birth && !matches!(state, 'Z' | 'X'))
    }

    /// Everybody else who has the token in the command line, the environment, the folder or the program's path.
    pub(crate) fn carriers(token: &str) -> Vec<String> {
        let own = std::process::id();
        let folders = fs::read_dir("/proc").expect("Linux has it").flatten();
        let pids = folders.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        pids.filter(|pid| *pid != own).filter_map(|pid| carries(pid, token)).collect()
    }

    fn carries(pid: u32, token: &str) -> Option<String> {
        let holds = |bytes: &[u8]| bytes.windows(token.len()).any(|window| window == token.as_bytes());
        for file in ["cmdline", "environ"] {
            if fs::read(format!("/proc/{pid}/{file}")).is_ok_and(|bytes| holds(&bytes)) {
                return Some(format!("process {pid} has it in {file}"));
            }
        }
        for link in ["cwd", "exe"] {
            let target = fs::read_link(format!("/proc/{pid}/{link}"));
            if target.is_ok_and(|path| holds(path.as_os_str().as_encoded_bytes())) {
                return Some(format!("process {pid} has it in {link}"));
            }
        }
        None
    }

    /// Children of one thread (`thread-self`) or of a process with one thread, zombies included.
    pub(crate) fn children(of: &str) -> Vec<i32> {
        let path = if of == "thread-self" { "thread-self/children".into() } else { format!("{of}/task/{of}/children") };
        let text = fs::read_to_string(format!("/proc/{path}")).unwrap_or_default();
        text.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).collect()
    }

    /// Children of all threads of this process, zombies included.
    pub(crate) fn children_of_this_process() -> Vec<i32> {
        let threads = fs::read_dir("/proc/self/task").expect("Linux has it").flatten();
        let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
        let mut all: Vec<i32> =
            lists.flat_map(|l| l.split_ascii_whitespace().filter_map(|p| p.parse().ok()).collect::<Vec<_>>()).collect();
        all.sort_unstable();
        all
    }
}

/// Where there is no `/proc`, only those are found who have been written down.
#[cfg(not(target_os = "linux"))]
#[allow(unsafe_code)]
mod ids_only {
    use super::Birth;

    pub(crate) fn own_birth() -> Birth {
        let pid = std::process::id().cast_signed();
        Birth { pid, began: began(pid).unwrap_or(0) }
    }

    /// Whether this very process is there and no zombie.
    pub(crate) fn alive(birth: &Birth) -> bool {
        began(birth.pid) == Some(birth.began)
    }

    /// Microseconds. `None` if the process is gone or a zombie.
    #[cfg(target_vendor = "apple")]
    fn began(pid: i32) -> Option<u64> {
        // SAFETY: the structure is plain numbers; the call fills it and says how many bytes it wrote.
        let info = unsafe {
            let mut info: libc::proc_bsdinfo = std::mem::zeroed();
            let size = size_of::<libc::proc_bsdinfo>() as libc::c_int;
            let found = libc::proc_pidinfo(pid, libc::PROC_PIDTBSDINFO, 0, (&raw mut info).cast(), size);
            (found == size).then_some(info)?
        };
        (info.pbi_status != libc::SZOMB).then_some(info.pbi_start_tvsec * 1_000_000 + info.pbi_start_tvusec)
    }

    /// 0. `None` if the process is gone.
    #[cfg(not(target_vendor = "apple"))]
    fn began(pid: i32) -> Option<u64> {
        // SAFETY: signal 0 only asks.
        (unsafe { libc::kill(pid, 0) } == 0).then_some(0)
    }

    pub(crate) fn carriers(_token: &str) -> Vec<String> {
        Vec::new()
    }

    pub(crate) fn children(_of: &str) -> Vec<i32> {
        Vec::new()
    }

    pub(crate) fn children_of_this_process() -> Vec<i32> {
        Vec::new()
    }
}
