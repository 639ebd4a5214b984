//! Files of the outside: the only place that opens and reads what somebody else has made.
//!
//! A file of a stranger can be a FIFO, a device, or endless. Everything is read here, from regular files only, without
//! blocking, and up to a bound (`clippy.toml` refuses the functions of the standard library that
//! do none of this).

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use hookproof_harness::open_regular;

/// Bytes of a configuration file, a manifest, a `hookproof.toml` or a contract, at most. The largest real ones have a
/// twentieth of this.
pub const CONFIGURATION: usize = 1024 * 1024;

/// Bytes of a payload, or of a stream of a hook, at most.
pub const PAYLOAD: usize = 4 * 1024 * 1024;

/// Bytes of a line of `interpret --batch`, at most: a run with both streams, escaped.
pub const ROW: usize = 16 * 1024 * 1024;

/// Bytes that the front matter of a Markdown file, or what is looked at in a script, may reach to.
pub const HEAD: usize = 64 * 1024;

/// Reads a regular file of at most `most` bytes.
///
/// # Errors
/// [`io::ErrorKind::InvalidInput`] if it is not a regular file, [`io::ErrorKind::FileTooLarge`] if it has more bytes, and
/// what the system says.
pub fn read(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    let file = open_regular(path)?;
    // A sparse file tells its size at once.
    if file.metadata()?.len() > most as u64 {
        return Err(too_large(most));
    }
    whole(file, most)
}

/// The same as text.
///
/// # Errors
/// As [`read`], and [`io::ErrorKind::InvalidData`] if it is not UTF-8.
pub fn text(path: &Path, most: usize) -> io::Result<String> {
    let bytes = read(path, most)?;
    String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "the file is not UTF-8"))
}

/// The first `most` bytes of a regular file, or all if it has fewer.
///
/// # Errors
/// As [`read`], but for the size.
pub fn head(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_regular(path)?.take(most as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads what the command line names: a regular file, or a descriptor that was handed over (`/dev/stdin`, `/dev/fd/63` of
/// `<(command)`), which only the caller can have meant.
///
/// # Errors
/// As [`read`].
pub fn read_named(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    if is_handed_over(path) {
        #[expect(clippy::disallowed_methods, reason = "the caller's own descriptor; this module is the place for it")]
        return whole(File::open(path)?, most);
    }
    read(path, most)
}

/// Whether a path leads to a descriptor that was open when the program started.
pub fn is_handed_over(path: &Path) -> bool {
    path == Path::new("/dev/stdin") || path.starts_with("/dev/fd") || path.starts_with("/proc/self/fd")
}

/// Reads `from` to its end, which must come within `most` bytes.
///
/// # Errors
/// [`io::ErrorKind::FileTooLarge`] if it does not, and what the system says.
pub fn whole(from: impl Read, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(most as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > most { Err(too_large(most)) } else { Ok(bytes) }
}

/// Copies a regular file of at most `most` bytes, with its permissions, and gives its size in bytes.
///
/// # Errors
/// As [`read`].
pub fn copy(from: &Path, to: &Path, most: u64) -> io::Result<u64> {
    let source = open_regular(from)?;
    let metadata = source.metadata()?;
    let mut target = File::create(to)?;
    let count = io::copy(&mut source.take(most.saturating_add(1)), &mut target)?;
    if count > most {
        return Err(too_large(usize::try_from(most).unwrap_or(usize::MAX)));
    }
    target.set_permissions(metadata.permissions())?;
    Ok(count)
}

fn too_large(most: usize) -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {} KiB", most / 1024))
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::{CONFIGURATION, head, read, text, whole};

    #[test]
    fn what_is_larger_is_refused_before_it_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sparse");
        std::fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
        let error = read(&path, CONFIGURATION).unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (io::ErrorKind::FileTooLarge, "it is larger than 1024 KiB")
        );
        assert_eq!(head(&path, 512).unwrap().len(), 512);
        assert!(whole(io::repeat(0), 4096).is_err());
    }

    #[test]
    fn a_directory_and_what_is_no_text_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(folder.path(), 9).unwrap_err().to_string(), "it is a directory");
        let path = folder.path().join("bytes");
        std::fs::write(&path, b"\xff").unwrap();
        assert_eq!(text(&path, 9).unwrap_err().to_string(), "the file is not UTF-8");
        assert_eq!(read(&path, 1).unwrap(), b"\xff");
    }

    #[cfg(unix)]
    #[test]
    fn special_files_are_refused_without_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        let made = std::process::Command::new("mkfifo").arg(&fifo).status().unwrap();
        assert!(made.success());
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("/dev/zero", &link).unwrap();
        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for path in [fifo, link, socket] {
            assert_eq!(read(&path, 9).unwrap_err().to_string(), "it is not a regular file", "{}", path.display());
        }
        let looped = folder.path().join("loop");
        std::os::unix::fs::symlink(&looped, &looped).unwrap();
        assert!(read(&looped, 9).is_err());
    }
}
