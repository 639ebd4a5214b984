//! Files that are not to be written.

use super::place::Place;
use super::rule::Rule;

/// Judges a file that a tool is about to write, given as the tool names it; `folder` is the session's folder.
pub(crate) fn judge(path: &str, folder: &str) -> Option<Rule> {
    let folder = Place::of_path(folder, &Place::unknown());
    judge_place(&Place::of_path(path, &folder))
}

/// The same for a place that has been found already.
pub(super) fn judge_place(place: &Place) -> Option<Rule> {
    if let Some(["etc", _, ..] | ["private", "etc", _, ..]) = place.names().as_deref() {
        return Some(Rule::SystemFile);
    }
    let below = place.below()?;
    let (_file, folders) = below.split_last()?;
    folders.contains(&".ssh").then_some(Rule::KeyFile)
}

/// Whether a session in `folder` stands in the root, a system folder or a home folder itself.
pub(crate) fn protected_folder(folder: &str) -> bool {
    Place::of_path(folder, &Place::unknown()).is_protected()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("/etc/passwd", Some(Rule::SystemFile))]
    #[case("/etc/ssh/sshd_config", Some(Rule::SystemFile))]
    #[case("/private/etc/hosts", Some(Rule::SystemFile))]
    #[case("/home/dev/project/../../../etc/hosts", Some(Rule::SystemFile))]
    #[case("../../../etc/hosts", Some(Rule::SystemFile))]
    #[case("/home/dev/.ssh/authorized_keys", Some(Rule::KeyFile))]
    #[case("/root/.ssh/config.d/x", Some(Rule::KeyFile))]
    #[case("C:\\Users\\dev\\.ssh\\config", Some(Rule::KeyFile))]
    #[case("/home/dev/project/etc/hosts", None)]
    #[case("etc/hosts", None)]
    #[case("/home/dev/project/.ssh", None)]
    #[case("/home/dev/project/.sshx/a", None)]
    #[case("/etc", None)]
    #[case("", None)]
    fn files(#[case] path: &str, #[case] rule: Option<Rule>) {
        assert_eq!(judge(path, "/home/dev/project"), rule);
    }

    #[rstest]
    #[case("/", true)]
    #[case("/home/dev", true)]
    #[case("/home/dev/project", false)]
    #[case("", false)]
    fn folders(#[case] folder: &str, #[case] protected: bool) {
        assert_eq!(protected_folder(folder), protected);
    }
}
