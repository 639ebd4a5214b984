//! Processes that are counted with those of a hook.

use std::fs;

use crate::outside;

/// How many processes and threads the user of this process has, where the system tells it in files (`/proc`).
pub(super) fn processes_of_this_user() -> Option<u64> {
    let status = outside::text("/proc/self/status".as_ref(), outside::HEAD).ok()?;
    let own = user(&status)?;
    let all = fs::read_dir("/proc").ok()?.filter_map(|entry| {
        let entry = entry.ok()?;
        entry.file_name().to_str()?.parse::<u32>().ok()?;
        let status = outside::text(&entry.path().join("status"), outside::HEAD).ok()?;
        (user(&status)? == own).then(|| threads(&status))
    });
    Some(all.sum())
}

/// The real user, who is the one that counts.
fn user(status: &str) -> Option<&str> {
    status.lines().find_map(|line| line.strip_prefix("Uid:"))?.split_ascii_whitespace().next()
}

fn threads(status: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix("Threads:"));
    line.and_then(|number| number.trim().parse().ok()).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read() {
        let status = "Name:\tsh\nUid:\t1000\t0\t0\t0\nThreads:\t7\n";
        assert_eq!((user(status), threads(status)), (Some("1000"), 7));
        assert_eq!((user(""), threads("")), (None, 1));
    }

    #[test]
    fn this_process_counts_where_there_is_a_folder_of_all() {
        let there = fs::exists("/proc/self/status").unwrap_or_default();
        assert_eq!(processes_of_this_user().is_some_and(|count| count > 0), there);
    }
}
