//! How it is known that a file is as it was: the only place here where systems differ in what they tell of files.

use std::fs::Metadata;

/// What a system tells of a file that changes whenever somebody changes the file.
#[cfg(target_os = "linux")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    file: (u64, u64),
    rights: (u32, u32, u32),
    length: u64,
    /// The time of the last change of any kind. No program can set it.
    changed: (i64, i64),
}

#[cfg(target_os = "linux")]
impl Mark {
    /// Whether a file with the same mark has not been changed.
    pub(super) const TELLS_EVERY_CHANGE: bool = true;

    pub(super) fn of(metadata: &Metadata) -> Self {
        use std::os::linux::fs::MetadataExt;
        Mark {
            file: (metadata.st_dev(), metadata.st_ino()),
            rights: (metadata.st_mode(), metadata.st_uid(), metadata.st_gid()),
            length: metadata.st_size(),
            changed: (metadata.st_ctime(), metadata.st_ctime_nsec()),
        }
    }

    /// Whether both are of one directory with the same owner and mode, whatever has come and gone in it.
    pub(super) fn is_same_directory(&self, other: &Mark) -> bool {
        (self.file, self.rights) == (other.file, other.rights)
    }
}

/// Nothing: elsewhere descendants of a hook are not all seen, or times can be set at will.
#[cfg(not(target_os = "linux"))]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark;

#[cfg(not(target_os = "linux"))]
impl Mark {
    pub(super) const TELLS_EVERY_CHANGE: bool = false;

    pub(super) fn of(_metadata: &Metadata) -> Self {
        Mark
    }

    pub(super) fn is_same_directory(&self, _other: &Mark) -> bool {
        false
    }
}
