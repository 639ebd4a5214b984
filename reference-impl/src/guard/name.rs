//! Names for folders, made from names for anything.

/// A folder's name longer than this is cut.
const LENGTH: usize = 48;

/// Names that Windows gives to devices, whatever follows after a dot.
const DEVICES: &[&str] = &["con", "prn", "aux", "nul", "com", "lpt"];

/// A name that is safe as one path segment everywhere. A name that had to be changed carries a mark of the original, so
/// that two names stay two; a blank one gives none.
pub(crate) fn worktree_name(wanted: &str) -> Option<String> {
    if wanted.trim().is_empty() {
        return None;
    }
    let clean: String = wanted
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' })
        .take(LENGTH)
        .collect();
    let clean = clean.trim_matches(['.', '-']);
    let stem = clean.split('.').next().unwrap_or_default().to_ascii_lowercase();
    let device = DEVICES.contains(&stem.trim_end_matches(|c: char| c.is_ascii_digit()));
    if clean == wanted && !device {
        return Some(clean.to_owned());
    }
    Some(format!("wt-{clean}-{:08x}", fingerprint(wanted)).replace("--", "-"))
}

/// FNV-1a over 32 bits: short, stable over versions and machines, and no secret.
fn fingerprint(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("wt1", "wt1")]
    #[case("feature_1.2-x", "feature_1.2-x")]
    fn a_plain_name_is_kept(#[case] wanted: &str, #[case] name: &str) {
        assert_eq!(worktree_name(wanted).as_deref(), Some(name));
    }

    #[rstest]
    #[case("feature/x")]
    #[case("../../etc")]
    #[case("..")]
    #[case("日本語")]
    #[case("a\nb")]
    #[case("nul")]
    #[case("COM1.txt")]
    #[case("-rf")]
    #[case("a.")]
    fn any_other_becomes_one_safe_segment(#[case] wanted: &str) {
        let name = worktree_name(wanted).expect("a name");
        assert!(name.starts_with("wt-"), "{name}");
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)), "{name}");
        assert!(!name.contains("..") || wanted.contains("..."), "{name}");
        assert!(!name.ends_with('.'), "{name}");
    }

    #[test]
    fn two_names_stay_two() {
        assert_ne!(worktree_name("a/b"), worktree_name("a:b"));
        let long = "x".repeat(100_000);
        assert_ne!(worktree_name(&long), worktree_name(&format!("{long}y")));
        assert!(worktree_name(&long).expect("a name").len() < 80);
    }

    #[test]
    fn a_blank_name_is_none() {
        assert_eq!(worktree_name(" \t"), None);
        assert_eq!(worktree_name(""), None);
    }
}
