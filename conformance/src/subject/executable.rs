//! Whether the system lets a file be started: the only place here where systems differ in what a file is.
//! And whether `PATH` has a program.

use std::path::Path;

/// Whether somebody may execute the file. Everywhere but on Unix, where nothing of the kind is kept, everybody may.
#[cfg(unix)]
pub(crate) fn may_run(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o111 != 0)
}

/// Whether somebody may execute the file. Everywhere but on Unix, where nothing of the kind is kept, everybody may.
#[cfg(not(unix))]
pub(crate) fn may_run(path: &Path) -> bool {
    path.exists()
}

/// Lets everybody execute the file. Everywhere but on Unix there is nothing to do.
#[cfg(unix)]
pub(crate) fn let_run(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))
}

/// Lets everybody execute the file. Everywhere but on Unix there is nothing to do.
#[cfg(not(unix))]
pub(crate) fn let_run(_path: &Path) -> std::io::Result<()> {
    Ok(())
}

/// Whether a directory of `PATH` has a program of this name, with the ending that programs have here.
pub(crate) fn is_there(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    std::env::split_paths(&path).any(|directory| directory.join(&file).is_file())
}
