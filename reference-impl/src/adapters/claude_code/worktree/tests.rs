use super::*;

fn folder() -> (tempfile::TempDir, String) {
    let folder = tempfile::Builder::new().prefix("project Zoë ").tempdir().expect("a folder");
    let text = folder.path().to_str().expect("text").to_owned();
    (folder, text)
}

#[test]
fn the_path_is_absolute_and_exists_and_the_same_again() {
    let (_keep, cwd) = folder();
    let first = create(&[Some(&cwd)], Some("wt1")).expect("made");
    assert!(Path::new(&first).is_absolute() && Path::new(&first).is_dir());
    assert!(first.ends_with("wt1"));
    assert_eq!(create(&[Some(&cwd)], Some("wt1")).expect("made"), first);
}

#[test]
fn dots_in_the_cwd_are_resolved() {
    let (_keep, cwd) = folder();
    fs::create_dir(Path::new(&cwd).join("sub")).expect("a folder");
    let dotted = format!("{cwd}/sub/../.");
    let path = create(&[Some(&dotted)], Some("wt1")).expect("made");
    assert_eq!(path, create(&[Some(&cwd)], Some("wt1")).expect("made"));
    assert!(!path.contains("..") && !path.contains("/./"));
}

#[test]
fn ten_at_once_agree() {
    let (_keep, cwd) = folder();
    let paths: Vec<String> = std::thread::scope(|scope| {
        let calls: Vec<_> =
            (0..10).map(|_| scope.spawn(|| create(&[Some(&cwd)], Some("same")).expect("made"))).collect();
        calls.into_iter().map(|call| call.join().expect("no panic")).collect()
    });
    assert!(paths.iter().all(|path| *path == paths[0]));
}

#[test]
fn what_was_there_before_is_neither_used_nor_removed() {
    let (_keep, cwd) = folder();
    let theirs = Path::new(&cwd).join(".claude/worktrees/theirs");
    fs::create_dir_all(&theirs).expect("a folder");
    assert!(matches!(create(&[Some(&cwd)], Some("theirs")), Err(WorktreeError::Foreign(_))));
    assert!(!remove(&theirs).expect("nothing to do"));
    assert!(theirs.is_dir());
    assert!(!remove(Path::new(&cwd)).expect("nothing to do"));
    assert!(Path::new(&cwd).is_dir());
}

#[test]
fn what_was_made_is_removed_with_its_content() {
    let (_keep, cwd) = folder();
    let path = PathBuf::from(create(&[Some(&cwd)], Some("feature/x")).expect("made"));
    fs::write(path.join("file"), "text").expect("written");
    assert!(remove(&path).expect("removed"));
    assert!(!path.exists());
    let left = fs::read_dir(Path::new(&cwd).join(".claude/worktrees")).expect("listed");
    assert_eq!(left.count(), 0, "the mark is gone as well");
    assert!(!remove(&path).expect("nothing left to do"));
}

#[test]
fn without_a_folder_nothing_is_made() {
    let (_keep, cwd) = folder();
    let missing = Path::new(&cwd).join("missing");
    let missing = missing.to_str().expect("text");
    for folders in [&[Some(missing), None][..], &[Some("relative")], &[None], &[]] {
        assert!(matches!(create(folders, Some("a")), Err(WorktreeError::NoFolder)));
    }
    assert!(!Path::new(missing).exists());
    for name in [None, Some("  ")] {
        assert!(matches!(create(&[Some(&cwd)], name), Err(WorktreeError::NoName)));
    }
}

#[test]
fn a_folder_that_has_gone_is_replaced_by_the_next() {
    let (_keep, cwd) = folder();
    let missing = format!("{cwd}/missing");
    let path = create(&[Some(&missing), Some(&cwd)], Some("a")).expect("made");
    assert_eq!(path, create(&[Some(&cwd)], Some("a")).expect("made"));
}

#[cfg(unix)]
#[test]
fn a_symbolic_link_is_not_followed() {
    let (_keep, cwd) = folder();
    let (_elsewhere, target) = folder();
    std::os::unix::fs::symlink(&target, Path::new(&cwd).join(".claude")).expect("a link");
    assert!(matches!(create(&[Some(&cwd)], Some("a")), Err(WorktreeError::Detour(_))));
    assert!(!Path::new(&target).join("worktrees").exists());
}
