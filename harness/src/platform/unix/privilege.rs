#![allow(unsafe_code)]
//! Whom the system does not hold to the number of processes.

#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) use self::linux::exempt_from_process_limit;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) use self::others::exempt_from_process_limit;

#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux {
    use std::fs;

    /// The initial user namespace (`PROC_USER_INIT_INO`). Capabilities in any other do not lift the limit.
    const INITIAL_NAMESPACE: &str = "user:[4026531837]";
    /// `CAP_SYS_ADMIN` and `CAP_SYS_RESOURCE`.
    const LIFTING: u64 = 1 << 21 | 1 << 24;

    /// Why `RLIMIT_NPROC` does not hold for this user, by the kernel's own rule (copy_process): it spares the real
    /// user 0, and whoever has one of two capabilities.
    pub(crate) fn exempt_from_process_limit() -> Option<&'static str> {
        let read = |name: &str| fs::read_to_string(format!("/proc/self/{name}")).unwrap_or_default();
        let initial = fs::read_link("/proc/self/ns/user").is_ok_and(|name| name.as_os_str() == INITIAL_NAMESPACE);
        reason(&read("status"), &read("uid_map"), initial)
    }

    pub(super) fn reason(status: &str, uid_map: &str, initial_namespace: bool) -> Option<&'static str> {
        let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        let user: Option<u64> = field("Uid:").split_ascii_whitespace().next().and_then(|uid| uid.parse().ok());
        let capabilities = u64::from_str_radix(field("CapEff:").trim(), 16).unwrap_or(0);
        let outside = user.and_then(|user| user_outside(user, uid_map));
        if outside == Some(0) {
            Some("the superuser is exempt from it")
        } else if initial_namespace && capabilities & LIFTING != 0 {
            Some("CAP_SYS_ADMIN or CAP_SYS_RESOURCE exempts from it")
        } else {
            None
        }
    }

    /// Lines of `inside outside length`, see user_namespaces(7).
    fn user_outside(user: u64, uid_map: &str) -> Option<u64> {
        uid_map.lines().find_map(|line| {
            let numbers: Vec<u64> = line.split_ascii_whitespace().filter_map(|word| word.parse().ok()).collect();
            let [inside, outside, length] = numbers[..] else { return None };
            let distance = user.checked_sub(inside)?;
            (distance < length).then_some(outside + distance)
        })
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod others {
    /// Why `RLIMIT_NPROC` does not hold for this user: the BSD family, macOS included, spares the real user 0.
    pub(crate) fn exempt_from_process_limit() -> Option<&'static str> {
        // SAFETY: answers with a number and cannot fail.
        let user = unsafe { libc::getuid() };
        (user == 0).then_some("the superuser is exempt from it")
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::linux::reason;
    use rstest::rstest;

    const WHOLE: &str = "         0          0 4294967295\n";
    const MAPPED: &str = "         0       1000          1\n";

    #[rstest]
    #[case::root("Uid:\t0\t0\t0\t0\nCapEff:\t0000000000000000\n", WHOLE, true, true)]
    #[case::root_of_a_namespace("Uid:\t0\t0\t0\t0\nCapEff:\t000001ffffffffff\n", MAPPED, false, false)]
    #[case::user("Uid:\t1000\t1000\t1000\t1000\nCapEff:\t0000000000000000\n", WHOLE, true, false)]
    #[case::effective_root_only("Uid:\t1000\t0\t0\t0\nCapEff:\t0000000000000000\n", WHOLE, true, false)]
    #[case::capable_user("Uid:\t1000\t1000\t1000\t1000\nCapEff:\t0000000001000000\n", WHOLE, true, true)]
    fn who_is_exempt(#[case] status: &str, #[case] map: &str, #[case] initial: bool, #[case] expected: bool) {
        assert_eq!(reason(status, map, initial).is_some(), expected);
    }
}
