//! Control groups, with which Linux keeps a whole tree to its real memory.

#[cfg(target_os = "linux")]
pub(crate) use self::cgroup::{Group, Groups};
#[cfg(not(target_os = "linux"))]
pub(crate) use self::none::{Group, Groups};

#[cfg(target_os = "linux")]
mod cgroup {
    use std::ffi::CString;
    use std::fs::{self, OpenOptions};
    use std::os::unix::ffi::OsStrExt;
    use std::path::{Path, PathBuf};
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::{Arc, OnceLock};
    use std::time::Duration;

    /// Part of the names of our groups; the id of the harness follows.
    const PREFIX: &str = "hookproof-";
    /// How often the removal of a group is tried again: the kernel takes a moment to let go of dead processes.
    const REMOVALS: u32 = 50;
    const REMOVAL_PAUSE: Duration = Duration::from_millis(2);

    /// Where groups can be made.
    #[derive(Debug, Default)]
    pub(crate) struct Groups {
        base: OnceLock<Result<PathBuf, String>>,
        refused: Arc<OnceLock<String>>,
    }

    /// The group of one run. Dropping it removes it.
    #[derive(Debug)]
    pub(crate) struct Group {
        folder: PathBuf,
        refused: Arc<OnceLock<String>>,
    }

    impl Groups {
        #[cfg(test)]
        pub(crate) fn unusable(because: &str) -> Self {
            Groups { base: OnceLock::from(Err(because.to_owned())), refused: Arc::default() }
        }

        #[cfg(test)]
        pub(crate) fn at(base: &Path) -> Self {
            Groups { base: OnceLock::from(Ok(base.to_owned())), refused: Arc::default() }
        }

        /// A group that may occupy so many bytes, or why there is none.
        pub(crate) fn create(&mut self, bytes: u64) -> Result<Group, String> {
            if let Some(because) = self.refused.get() {
                return Err(because.clone());
            }
            let base = self.base.get_or_init(find).as_ref().map_err(Clone::clone)?;
            Group::create(base, bytes, Arc::clone(&self.refused))
        }
    }

    impl Group {
        fn create(base: &Path, bytes: u64, refused: Arc<OnceLock<String>>) -> Result<Self, String> {
            static NUMBER: AtomicU64 = AtomicU64::new(0);
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let folder = base.join(format!("{PREFIX}{}-{number}", std::process::id()));
            fs::create_dir(&folder).map_err(|error| format!("`{}` cannot be made: {error}", folder.display()))?;
            let group = Group { folder, refused };
            group.write("memory.max", &bytes.to_string())?;
            // Memory that is swapped out is used all the same. Without swap accounting the file is missing.
            if group.folder.join("memory.swap.max").exists() {
                group.write("memory.swap.max", "0")?;
            }
            Ok(group)
        }

        fn write(&self, file: &str, value: &str) -> Result<(), String> {
            let path = self.folder.join(file);
            fs::write(&path, value).map_err(|error| format!("`{}` cannot be written: {error}", path.display()))
        }

        /// The file by which a process enters: it writes 0 there.
        pub(crate) fn members_file(&self) -> CString {
            // A path that has been used has no NUL.
            CString::new(self.folder.join("cgroup.procs").as_os_str().as_bytes()).unwrap_or_default()
        }

        /// The system did not let a child in. No group will be made any more.
        pub(crate) fn refuse(&self, because: &str) {
            let _ = self.refused.set(format!("a process was not let into its group: {because}"));
        }

        /// How many processes the kernel has killed because the group was out of memory.
        pub(crate) fn killed_for_memory(&self) -> u64 {
            let events = fs::read_to_string(self.folder.join("memory.events")).unwrap_or_default();
            count_of(&events, "oom_kill")
        }
    }

    impl Drop for Group {
        fn drop(&mut self) {
            for _ in 0..REMOVALS {
                if !self.folder.exists() || fs::remove_dir(&self.folder).is_ok() {
                    return;
                }
                std::thread::sleep(REMOVAL_PAUSE);
            }
        }
    }

    /// A value of a flat keyed file, 0 if it is not there.
    pub(super) fn count_of(events: &str, key: &str) -> u64 {
        events.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' ')?.trim().parse().ok()).unwrap_or(0)
    }

    /// The group that ours can be made in: our own, or one above it. In a group with processes the kernel allows
    /// controllers for its children only at the root, so it is mostly the one above, if it is ours to use.
    fn find() -> Result<PathBuf, String> {
        let read = |path: &str| fs::read_to_string(path).map_err(|error| format!("`{path}` cannot be read: {error}"));
        let own = own_group(&read("/proc/self/cgroup")?, &read("/proc/self/mountinfo")?)
            .ok_or("there is no cgroup v2 hierarchy here")?;
        let mut because = String::new();
        for base in [Some(own.as_path()), own.parent()].into_iter().flatten() {
            match usable(base) {
                Ok(()) => {
                    remove_forgotten(base);
                    return Ok(base.to_path_buf());
                }
                Err(reason) if because.is_empty() => because = reason,
                Err(reason) => because = format!("{because}; {reason}"),
            }
        }
        Err(because)
    }

    /// The folder of this process's group: its path from `/proc/self/cgroup`, below the point where the hierarchy is
    /// mounted.
    pub(super) fn own_group(cgroup: &str, mountinfo: &str) -> Option<PathBuf> {
        let path = cgroup.lines().find_map(|line| line.strip_prefix("0::"))?;
        // `id parent device root point options ... - type ...`, see proc_pid_mountinfo(5).
        mountinfo.lines().find_map(|line| {
            let (before, after) = line.split_once(" - ")?;
            if after.split(' ').next()? != "cgroup2" {
                return None;
            }
            let (root, point) = (before.split(' ').nth(3)?, before.split(' ').nth(4)?);
            let below = Path::new(path).strip_prefix(root).ok()?;
            Some(Path::new(point).join(below))
        })
    }

    /// Whether groups in `base` count memory, and whether we may make them and move processes there.
    fn usable(base: &Path) -> Result<(), String> {
        let shown = base.display();
        let control = fs::read_to_string(base.join("cgroup.subtree_control"))
            .map_err(|error| format!("`{shown}` is no control group that can be read: {error}"))?;
        if !control.split_ascii_whitespace().any(|controller| controller == "memory") {
            return Err(format!("`{shown}/cgroup.subtree_control` does not name the memory controller"));
        }
        // Moving a process needs this file of the group above both places.
        OpenOptions::new()
            .write(true)
            .open(base.join("cgroup.procs"))
            .map_err(|error| format!("`{shown}/cgroup.procs` cannot be written: {error}"))?;
        Group::create(base, u64::from(u32::MAX), Arc::default()).map(drop)
    }

    /// Removes what harnesses left behind that were killed.
    fn remove_forgotten(base: &Path) {
        for entry in fs::read_dir(base).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let owner =
                name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.split('-').next()?.parse::<u32>().ok());
            if owner.is_some_and(|pid| !Path::new("/proc").join(pid.to_string()).exists()) {
                // Fails if somebody is in it.
                let _ = fs::remove_dir(entry.path());
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod none {
    use std::ffi::CString;

    /// There are none.
    #[derive(Debug, Default)]
    pub(crate) struct Groups {
        because: Option<String>,
    }

    /// Cannot be had.
    #[derive(Debug)]
    pub(crate) enum Group {}

    impl Groups {
        #[cfg(test)]
        pub(crate) fn unusable(because: &str) -> Self {
            Groups { because: Some(because.to_owned()) }
        }

        pub(crate) fn create(&mut self, _bytes: u64) -> Result<Group, String> {
            Err(self.because.clone().unwrap_or_else(|| "this system has none".into()))
        }
    }

    impl Group {
        pub(crate) fn members_file(&self) -> CString {
            match *self {}
        }

        pub(crate) fn refuse(&self, _because: &str) {
            match *self {}
        }

        pub(crate) fn killed_for_memory(&self) -> u64 {
            match *self {}
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::cgroup::{count_of, own_group};
    use rstest::rstest;
    use std::path::PathBuf;

    const MOUNTS: &str = "\
24 1 0:21 / /sys rw,nosuid - sysfs sysfs rw
30 24 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
31 24 0:27 /user.slice /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate
";

    #[rstest]
    #[case("0::/user.slice/a.scope\n", Some("/sys/fs/cgroup/a.scope"))]
    #[case("4:memory:/x\n0::/user.slice\n", Some("/sys/fs/cgroup/"))]
    #[case("0::/elsewhere\n", None)]
    #[case("4:memory:/x\n", None)]
    fn the_own_group_is_below_the_mount(#[case] cgroup: &str, #[case] expected: Option<&str>) {
        assert_eq!(own_group(cgroup, MOUNTS), expected.map(PathBuf::from));
    }

    #[test]
    fn events_are_read_by_their_whole_name() {
        let events = "low 0\nhigh 3\noom 7\noom_kill 2\noom_group_kill 1\n";
        assert_eq!(count_of(events, "oom_kill"), 2);
        assert_eq!(count_of(events, "oom"), 7);
        assert_eq!(count_of(events, "kill"), 0);
    }
}
