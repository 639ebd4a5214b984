//! How a shell line ends, by every mechanism that this system has.

use std::time::Duration;

use hookproof_harness::{Ending, Harness, HarnessError, HookCommand, MechanismChoice};
use rstest::rstest;

fn run(line: &str, choice: MechanismChoice) -> Ending {
    let harness = match Harness::with_mechanism(choice) {
        Err(HarnessError::Unavailable { .. }) if choice != MechanismChoice::Best => {
            Harness::new().expect("the best mechanism is always there")
        }
        harness => harness.expect("a harness"),
    };
    let command = HookCommand::shell(line).deadline(Duration::from_secs(30));
    harness.run(&command).expect("the harness works").ending
}

#[rstest]
#[case::success("exit 0", Ending::Exited { code: 0 })]
#[case::failure("exit 1", Ending::Exited { code: 1 })]
#[case::block("exit 2", Ending::Exited { code: 2 })]
#[case::not_executable("exit 126", Ending::Exited { code: 126 })]
#[case::not_found("exit 127", Ending::Exited { code: 127 })]
#[case::like_a_signal("exit 137", Ending::Exited { code: 137 })]
#[case::largest("exit 255", Ending::Exited { code: 255 })]
fn exit_codes(
    #[case] line: &str,
    #[case] expected: Ending,
    #[values(MechanismChoice::Best, MechanismChoice::Posix)] choice: MechanismChoice,
) {
    assert_eq!(run(line, choice), expected);
}

#[cfg(unix)]
#[rstest]
#[case::hang_up("kill -HUP $$", 1)]
#[case::killed("kill -KILL $$", 9)]
#[case::broken_pipe("kill -PIPE $$", 13)]
#[case::terminated("kill -TERM $$", 15)]
fn signals_are_no_exit_codes(
    #[case] line: &str,
    #[case] signal: i32,
    #[values(MechanismChoice::Best, MechanismChoice::Posix)] choice: MechanismChoice,
) {
    assert_eq!(run(line, choice), Ending::Signaled { signal, core_dumped: false });
}

#[cfg(unix)]
#[rstest]
fn a_program_that_the_shell_does_not_find_is_the_shells_own_exit_code(
    #[values(MechanismChoice::Best, MechanismChoice::Posix)] choice: MechanismChoice,
) {
    assert_eq!(run("surely-no-such-program", choice), Ending::Exited { code: 127 });
}

#[cfg(windows)]
#[test]
fn the_mechanism_of_other_systems_is_unavailable() {
    let error = Harness::with_mechanism(MechanismChoice::Posix).expect_err("this is no Unix");
    assert!(matches!(error, HarnessError::Unavailable { name: "posix", .. }));
}

#[cfg(target_os = "linux")]
#[test]
fn the_best_mechanism_here_is_the_spawner() {
    let observation = Harness::new().expect("a harness").run(&HookCommand::shell("exit 0")).expect("a run");
    assert_eq!(observation.mechanism.name, "linux-spawner");
}
