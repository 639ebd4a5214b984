use super::*;

const LIMIT: Duration = Duration::from_secs(300);

fn state() -> (tempfile::TempDir, StateFolder) {
    let root = tempfile::tempdir().expect("a folder");
    let state = StateFolder::new(root.path());
    (root, state)
}

fn ours(acquired: Acquired) -> Lock {
    match acquired {
        Acquired::Ours(lock) => lock,
        Acquired::Busy => panic!("it is somebody else's"),
    }
}

fn is_busy(state: &StateFolder) -> bool {
    matches!(Lock::acquire(state, LIMIT).expect("looked at"), Acquired::Busy)
}

/// Writes a lock of this owner, so long ago by its content.
fn write(state: &StateFolder, pid: u32, start: &str, ago: u64) {
    let owner = Owner { pid, start: start.to_owned(), since: Seconds(Seconds::now().0 - ago) };
    fs::write(state.lock(), serde_json::to_string(&owner).expect("JSON")).expect("written");
}

/// Makes the file look as old as this.
fn age(state: &StateFolder, ago: u64) {
    let file = File::options().write(true).open(state.lock()).expect("opened");
    file.set_modified(std::time::SystemTime::now() - Duration::from_secs(ago)).expect("set");
}

fn own_start() -> String {
    platform::identity(std::process::id()).expect("this process lives")
}

#[test]
fn one_has_it_and_gives_it_back() {
    let (root, state) = state();
    let lock = ours(Lock::acquire(&state, LIMIT).expect("acquired"));
    assert!(is_busy(&state));
    drop(lock);
    drop(ours(Lock::acquire(&state, LIMIT).expect("acquired again")));
    assert_eq!(fs::read_dir(root.path()).expect("listed").count(), 0);
}

#[test]
fn a_stale_lock_is_old_and_of_a_dead_process() {
    let (root, state) = state();
    write(&state, u32::MAX, "never", 299);
    assert!(is_busy(&state), "the owner is dead, and the lock is young");
    write(&state, std::process::id(), &own_start(), 10_000);
    assert!(is_busy(&state), "the lock is old, and the owner lives");
    for (pid, start) in [(u32::MAX, "never"), (std::process::id(), "another start")] {
        write(&state, pid, start, 300);
        drop(ours(Lock::acquire(&state, LIMIT).expect("taken over")));
        assert_eq!(fs::read_dir(root.path()).expect("listed").count(), 0, "nothing is left aside");
    }
}

#[test]
fn a_dead_owners_lock_from_the_future_does_not_lock_out() {
    let (_root, state) = state();
    let owner = Owner { pid: u32::MAX, start: "never".into(), since: Seconds(Seconds::now().0 + 1_000_000) };
    fs::write(state.lock(), serde_json::to_string(&owner).expect("JSON")).expect("written");
    assert!(!is_busy(&state));
}

#[test]
fn a_lock_without_an_owner_is_stale_by_its_age_alone() {
    let (_root, state) = state();
    for text in ["", "{", "{\"pid\":1}"] {
        fs::write(state.lock(), text).expect("written");
        assert!(is_busy(&state), "{text:?} was just made: its owner may be about to write");
        age(&state, 301);
        assert!(!is_busy(&state), "{text:?}");
    }
    fs::create_dir(state.lock()).expect("made");
    assert!(is_busy(&state), "a folder that was just made");
    drop(ours(Lock::acquire(&state, Duration::ZERO).expect("taken over")));
}

#[test]
fn a_hold_counts_for_a_living_owner() {
    let (_root, state) = state();
    write(&state, u32::MAX, "in another namespace", 10_000);
    let held = File::open(state.lock()).expect("opened");
    assert!(platform::try_hold(&held).expect("held"));
    assert!(is_busy(&state));
    drop(held);
    assert!(!is_busy(&state));
}

#[test]
fn nobody_removes_what_is_not_theirs() {
    let (_root, state) = state();
    let lock = ours(Lock::acquire(&state, LIMIT).expect("acquired"));
    // Somebody without manners has put theirs in its place.
    write(&state, u32::MAX, "somebody else", 0);
    drop(lock);
    assert!(state.lock().exists());
}

#[test]
fn exactly_one_takes_a_stale_lock_over() {
    for round in 0..40 {
        let (root, state) = state();
        write(&state, u32::MAX, "never", 1_000);
        let start = std::sync::Barrier::new(8);
        // Whoever has it keeps it until all have tried.
        let taken: Vec<Lock> = thread::scope(|scope| {
            let tries: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        start.wait();
                        Lock::acquire(&state, LIMIT).expect("looked at")
                    })
                })
                .collect();
            tries
                .into_iter()
                .filter_map(|taken| match taken.join().expect("no panic") {
                    Acquired::Ours(lock) => Some(lock),
                    Acquired::Busy => None,
                })
                .collect()
        });
        assert_eq!(taken.len(), 1, "round {round}");
        drop(taken);
        assert_eq!(fs::read_dir(root.path()).expect("listed").count(), 0, "round {round}");
    }
}
