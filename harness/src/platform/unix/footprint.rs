#![allow(unsafe_code)]
//! How much real memory another process occupies.

#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) use self::proc_fs::{KNOWN, WHAT, resident, share};
#[cfg(target_vendor = "apple")]
pub(crate) use self::rusage::{KNOWN, WHAT, resident, share};
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
pub(crate) use self::unknown::{KNOWN, WHAT, resident, share};

#[cfg(any(target_os = "linux", target_os = "android"))]
mod proc_fs {
    use std::fs;
    use std::sync::OnceLock;

    pub(crate) const KNOWN: bool = true;
    pub(crate) const WHAT: &str = "the proportional resident memory (Pss)";

    /// Bytes that are resident, those that others share included. 0 if the process is gone.
    pub(crate) fn resident(pid: i32) -> u64 {
        // Size and residence in pages, see proc_pid_statm(5).
        let statm = fs::read_to_string(format!("/proc/{pid}/statm")).unwrap_or_default();
        let pages: u64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
        pages * page_size()
    }

    /// Bytes that are resident, of shared pages only this process's share. Where the kernel does not tell (before
    /// 4.14, or a process of somebody else), all that are resident and not those of a file.
    pub(crate) fn share(pid: i32) -> u64 {
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
        let kib = rollup
            .lines()
            .find_map(|line| line.strip_prefix("Pss:"))
            .and_then(|rest| rest.split_ascii_whitespace().next()?.parse::<u64>().ok());
        match kib {
            Some(kib) => kib * 1024,
            None => {
                let statm = fs::read_to_string(format!("/proc/{pid}/statm")).unwrap_or_default();
                let pages: Vec<u64> = statm.split(' ').filter_map(|pages| pages.trim().parse().ok()).collect();
                let (resident, of_files) = (pages.get(1).copied(), pages.get(2).copied());
                resident.unwrap_or(0).saturating_sub(of_files.unwrap_or(0)) * page_size()
            }
        }
    }

    fn page_size() -> u64 {
        static SIZE: OnceLock<u64> = OnceLock::new();
        // SAFETY: answers with a number.
        *SIZE.get_or_init(|| u64::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096))
    }
}

#[cfg(target_vendor = "apple")]
mod rusage {
    pub(crate) const KNOWN: bool = true;
    pub(crate) const WHAT: &str = "the physical footprint";

    /// The physical footprint, which counts no memory that is shared. 0 if the process is gone.
    pub(crate) fn resident(pid: i32) -> u64 {
        // SAFETY: the structure is plain numbers, and of the version that the flavour asks for.
        unsafe {
            let mut info: libc::rusage_info_v2 = std::mem::zeroed();
            let told = libc::proc_pid_rusage(pid, libc::RUSAGE_INFO_V2, (&raw mut info).cast());
            if told == 0 { info.ri_phys_footprint } else { 0 }
        }
    }

    /// The same: nothing in it is shared.
    pub(crate) fn share(pid: i32) -> u64 {
        resident(pid)
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
mod unknown {
    pub(crate) const KNOWN: bool = false;
    pub(crate) const WHAT: &str = "the memory";

    /// Nothing is known here.
    pub(crate) fn resident(_pid: i32) -> u64 {
        0
    }

    /// Nothing is known here.
    pub(crate) fn share(_pid: i32) -> u64 {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_grows_by_what_it_fills() {
        let own = i32::try_from(std::process::id()).expect("a process id");
        let (before, share_before) = (resident(own), share(own));
        let filled = vec![1_u8; 64 << 20];
        let (after, share_after) = (resident(own), share(own));
        std::hint::black_box(&filled);
        // Other tests run in this process meanwhile.
        assert!(!KNOWN || after >= before + (32 << 20), "{before} {after}");
        assert!(!KNOWN || share_after >= share_before + (32 << 20), "{share_before} {share_after}");
        assert!(share_after <= after + (8 << 20));
    }

    #[test]
    fn who_is_gone_occupies_nothing() {
        assert_eq!((resident(i32::MAX), share(i32::MAX)), (0, 0));
    }
}
