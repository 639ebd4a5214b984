//! Which process it is: a number is used again, a number with the time of its start is not.

/// What a process is called that can be seen and not be told from others of its number.
const UNKNOWN_START: &str = "unknown";

/// A text that no other process of this number had or will have; `None` if there is no such process, or only its
/// remains that nobody has collected.
pub(crate) fn identity(pid: u32) -> Option<String> {
    match start(pid) {
        Start::At(text) => Some(text),
        Start::Gone => None,
        Start::Untold => exists(pid).then(|| UNKNOWN_START.to_owned()),
    }
}

enum Start {
    At(String),
    Gone,
    #[cfg_attr(target_os = "macos", allow(dead_code, reason = "the process table always answers there"))]
    Untold,
}

/// Linux and other systems with such a `/proc`: the start in clock ticks, and which boot they are counted from.
#[cfg(not(target_os = "macos"))]
fn start(pid: u32) -> Start {
    use std::fs;

    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else {
        return if fs::exists("/proc/self/stat").unwrap_or(false) { Start::Gone } else { Start::Untold };
    };
    // The name stands in parentheses and may hold anything, parentheses as well.
    let mut fields = stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace()).into_iter().flatten();
    match (fields.next(), fields.nth(18)) {
        (Some("Z" | "X"), _) => Start::Gone,
        (Some(_), Some(ticks)) => {
            let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
            Start::At(format!("{}-{ticks}", boot.get(..8).unwrap_or("boot")))
        }
        _ => Start::Untold,
    }
}

/// macOS: the start in microseconds, from the process table.
#[cfg(target_os = "macos")]
fn start(pid: u32) -> Start {
    let Ok(pid) = libc::c_int::try_from(pid) else { return Start::Gone };
    let size = size_of::<libc::proc_bsdinfo>();
    // SAFETY: the structure is plain data for which all zeroes are a value, and the call is told its size.
    let (info, written) = unsafe {
        let mut info: libc::proc_bsdinfo = std::mem::zeroed();
        let written = libc::proc_pidinfo(pid, libc::PROC_PIDTBSDINFO, 0, (&raw mut info).cast(), size as libc::c_int);
        (info, written)
    };
    // Zombies have no such information, or are marked as what they are.
    if usize::try_from(written).ok() != Some(size) || info.pbi_status == libc::SZOMB {
        return Start::Gone;
    }
    Start::At(format!("{}.{:06}", info.pbi_start_tvsec, info.pbi_start_tvusec))
}

/// Whether a process of this number exists, somebody else's included.
fn exists(pid: u32) -> bool {
    let Ok(pid) = libc::pid_t::try_from(pid) else { return false };
    // SAFETY: signal 0 is never delivered; the call only looks.
    let told = unsafe { libc::kill(pid, 0) };
    told == 0 || std::io::Error::last_os_error().raw_os_error() == Some(libc::EPERM)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_living_process_keeps_its_identity_and_a_dead_one_has_none() {
        let own = identity(std::process::id()).expect("this process lives");
        assert_eq!(identity(std::process::id()).as_deref(), Some(own.as_str()));
        let mut child = Command::new("sleep").arg("30").spawn().expect("started");
        let pid = child.id();
        let childs = identity(pid).expect("the child lives");
        assert_ne!(own, childs);
        child.kill().expect("killed");
        // Not collected yet, and dead all the same. The end is not immediate.
        let gone = (0..200).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            identity(pid).is_none()
        });
        assert!(gone, "a zombie is no living process");
        child.wait().expect("collected");
        assert_eq!(identity(pid), None);
    }

    #[test]
    fn no_process_has_the_number_of_none() {
        assert_eq!(identity(u32::MAX), None);
        assert!(!exists(u32::MAX));
    }
}
