//! What a sandbox leaves open, in sentences: what no kernel holds, and what only this one does not.

use super::sockets;
use super::target::is_proc_there;

/// What decides about how much is held.
#[derive(Debug, Clone, Default)]
pub(super) struct Ground {
    /// Version of Landlock; `None` where files are not held, or not by it.
    pub(super) landlock: Option<i64>,
    /// Why the harness is not asked about calls.
    pub(super) unheard: Option<String>,
    /// Whether only this machine may be reached.
    pub(super) local_only: bool,
    /// Why sockets cannot be bound to the loopback device.
    pub(super) unbound: Option<String>,
    /// Whether the system shows processes.
    pub(super) shows_processes: bool,
}

impl Ground {
    /// As it is here.
    pub(super) fn here(landlock: Option<i64>, unheard: Option<String>, local_only: bool) -> Self {
        // A socket is only made where it matters.
        let unbound = local_only.then(sockets::unheld).flatten().map(str::to_owned);
        Ground { landlock, unheard, local_only, unbound, shows_processes: is_proc_there() }
    }

    /// What newer kernels hold and this one does not. A strict sandbox starts no program then.
    pub(super) fn missing(&self) -> Vec<String> {
        let mut missing = Vec::new();
        if let Some(abi) = self.landlock {
            if let Some(because) = &self.unheard {
                missing.push(format!("modes, owners and times of files outside can be changed, because {because}"));
            }
            if abi < 3 {
                missing.push("files outside can be truncated by their path (Linux 6.2 refuses that)".into());
            }
            if abi < 5 {
                let text = "requests get out to devices that can be opened for reading (Linux 6.10 refuses that)";
                missing.push(text.into());
            }
            if abi < 6 {
                missing.push("signals get out to processes of the same user (Linux 6.12 refuses that)".into());
            }
        }
        if let (true, Some(because)) = (self.local_only, &self.unbound) {
            let text = "an address that another thread exchanges just after it was judged leaves this machine";
            missing.push(format!("{text}, because {because}"));
        }
        missing
    }

    /// What passes on every kernel, or is refused beyond what was asked for.
    pub(super) fn gaps(&self) -> Vec<String> {
        let mut gaps: Vec<String> = Vec::new();
        let mut add = |text: &str| gaps.push(text.to_owned());
        if let Some(abi) = self.landlock {
            if self.unheard.is_some() {
                add("attempts are refused but not seen, and the program cannot make terminals");
            } else {
                add(
                    "files of others in /dev/shm are protected by the harness's answers alone: a path that another thread \
                     exchanges just after it was judged passes; a terminal can be read",
                );
            }
            if abi < 2 {
                add("this version of Landlock refuses all moving and linking between folders");
            }
        }
        if self.local_only && self.unheard.is_none() {
            add(
                "programs on this machine that pass on what they are told (a proxy, a container service) can be reached, and \
                 so can the sockets in the file system",
            );
            if self.unbound.is_none() {
                add("addresses of this machine other than those of its loopback device cannot be reached");
                add("a name server on the loopback device is protected by the harness's answers alone: an address or \
                     a descriptor that another thread exchanges just after it was judged reaches it");
                add(
                    "a message leaves this machine if another thread exchanges both its socket and its control data just \
                     after they were judged",
                );
            }
        }
        if !self.shows_processes && self.unheard.is_none() {
            add(
                "the system shows no processes (there is no /proc): what the kernel refuses is not told, and neither is \
                 a process that outlives the run in a session of its own",
            );
        }
        gaps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn newest() -> Ground {
        Ground { landlock: Some(6), local_only: true, shows_processes: true, ..Ground::default() }
    }

    #[test]
    fn nothing_is_missing_on_a_new_kernel() {
        assert!(newest().missing().is_empty());
    }

    #[test]
    fn each_thing_that_a_kernel_does_not_hold_is_missing() {
        for (abi, expected) in [(1, 3), (2, 3), (3, 2), (4, 2), (5, 1), (6, 0), (7, 0)] {
            let missing = Ground { landlock: Some(abi), ..newest() }.missing();
            assert_eq!(missing.len(), expected, "{abi}: {missing:?}");
        }
        let unbound = Ground { unbound: Some("it is too old".into()), ..newest() };
        assert!(unbound.missing().iter().any(|text| text.ends_with("because it is too old")));
        assert!(Ground { local_only: false, ..unbound }.missing().is_empty());
        assert_eq!(Ground { unheard: Some("nobody asks".into()), ..newest() }.missing().len(), 1);
        let files_only = Ground { landlock: Some(5), local_only: false, ..newest() };
        assert!(files_only.missing()[0].contains("6.12"));
    }

    #[test]
    fn without_proc_that_is_told() {
        let text = "there is no /proc";
        assert!(Ground { shows_processes: false, ..newest() }.gaps().iter().any(|gap| gap.contains(text)));
        assert!(!newest().gaps().iter().any(|gap| gap.contains(text)));
    }
}
